#include "bytemodel/training/corpus/corpus_builder.h"

#include <cstring>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "bytemodel/training/corpus/packed_corpus.h"
#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
namespace fs = std::filesystem;

std::string file(std::uint64_t seed) { return code(seed, 30); }

/// A training package, a held-out one that has a file of it and one nearly like another, and one more of both languages.
FakePackages packages() {
  FakePackages out;
  out.packages["one"] = {{"package.json", package_json("MIT")},
                         {"a.js", file(1)},
                         {"b.js", file(2)},
                         {"near.js", file(3) + "one.more(line);\n"},
                         {"tiny.js", "x"}};
  out.packages["held"] = {{"package.json", package_json("ISC")}, {"copy.js", file(1)}, {"c.js", file(3)}, {"d.ts", file(4)}};
  out.packages["two"] = {{"package.json", package_json("Apache-2.0")}, {"lib/b.js", file(2) + "\n"}, {"e.ts", file(5)}, {"f.js", file(6)}};
  return out;
}

std::vector<ManifestEntry> manifest() { return {npm("one", Split::kTrain), npm("held", Split::kHeldOut), npm("two", Split::kTrain)}; }

CorpusOptions options_for(const fs::path& output, std::vector<ManifestEntry> entries, bool keep_going = false) {
  return {std::move(entries), output, keep_going, [](const std::string&) {}};
}

Files files_below(const fs::path& folder) {
  Files out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  }
  return out;
}

std::vector<std::string> names_of(const Files& files) {
  std::vector<std::string> out;
  for (const auto& [name, text] : files) out.push_back(name);
  return out;
}

using Names = std::vector<std::string>;
const Names kAllFiles{"held-out/javascript.pack", "held-out/typescript.pack", "report.json", "report.md",
                      "train/javascript.pack",    "train/typescript.pack"};

Files pack_of(const fs::path& path) {
  Files out;
  const PackedCorpus pack = PackedCorpus::open(path).value();
  for (std::size_t i = 0; i < pack.documents().size(); ++i) out[pack.documents()[i].path] = pack.text(i).value();
  return out;
}

TEST_CASE("The same manifest and packages give the same bytes") {
  const ScratchFolder folder;
  for (const char* run : {"first", "second"}) {
    FakePackages fake = packages();
    REQUIRE(build_corpus(options_for(folder / run, manifest()), fake));
    REQUIRE(build_corpus(options_for(folder / "again", manifest()), fake));  // over what the last run left
  }
  const Files first = files_below(folder / "first");
  CHECK(names_of(first) == kAllFiles);
  CHECK(first == files_below(folder / "second"));
  CHECK(first == files_below(folder / "again"));
}

TEST_CASE("Held-out packages are read first, and training text that is theirs or near to it is left out") {
  const ScratchFolder folder;
  FakePackages fake = packages();
  const auto report = build_corpus(options_for(folder.path(), manifest()), fake);
  REQUIRE(report);
  CHECK(fake.asked == Names{"held", "one", "two"});
  CHECK(pack_of(folder / "held-out/javascript.pack") == Files{{"held/copy.js", file(1)}, {"held/c.js", file(3)}});
  CHECK(pack_of(folder / "held-out/typescript.pack") == Files{{"held/d.ts", file(4)}});
  CHECK(pack_of(folder / "train/javascript.pack") == Files{{"one/b.js", file(2)}, {"two/f.js", file(6)}});
  CHECK(pack_of(folder / "train/typescript.pack") == Files{{"two/e.ts", file(5)}});
  CHECK(report->dropped.at("the same as another file").n_documents == 2);  // one/a.js, two/lib/b.js
  CHECK(report->dropped.at("nearly the same as held-out text").n_documents == 1);
  CHECK(report->dropped.at("shorter than 200 bytes").n_documents == 1);
}

TEST_CASE("The report tells bytes by language, what was left out, and each package's source and licence") {
  const ScratchFolder folder;
  FakePackages fake = packages();
  REQUIRE(build_corpus(options_for(folder.path(), manifest()), fake));
  const auto json = nlohmann::json::parse(read_file(folder / "report.json"));
  CHECK(json["train"]["javascript"] == nlohmann::json{{"files", 2}, {"bytes", file(2).size() + file(6).size()}});
  CHECK(json["held_out"]["typescript"]["bytes"] == file(4).size());
  CHECK(json["dropped"]["the same as another file"]["bytes"] == file(1).size() + file(2).size() + 1);
  REQUIRE(json["packages"].size() == 3);
  const nlohmann::json one{{"source", "npm"},  {"name", "one"}, {"version", "1.0.0"},      {"split", "train"},
                           {"licence", "MIT"}, {"files", 1},    {"bytes", file(2).size()}, {"problem", ""}};
  CHECK(json["packages"][0] == one);
  CHECK(json["packages"][1]["split"] == "held-out");
  const std::string markdown = read_file(folder / "report.md");
  CHECK_THAT(markdown, Catch::Contains("| javascript | 2 | 0.0 |") && Catch::Contains("nearly the same as held-out text"));
  CHECK_THAT(markdown, !Catch::Contains("gave nothing"));
}

TEST_CASE("A report of nothing has no shares") {
  CorpusReport report;
  report.dropped["shorter than 200 bytes"].add(0);
  CHECK_THAT(to_markdown(report), Catch::Contains("| shorter than 200 bytes | 1 | 0.0 | 0.0 % |"));
}

TEST_CASE("A package with a problem ends the run, and what was there stays") {
  const ScratchFolder folder;
  FakePackages fake = packages();
  REQUIRE(build_corpus(options_for(folder.path(), {npm("two", Split::kTrain)}), fake));
  const Files before = files_below(folder.path());

  std::vector<ManifestEntry> entries = manifest();
  entries.push_back(npm("lost", Split::kTrain));
  const auto lost = build_corpus(options_for(folder.path(), entries), fake);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == ErrorCode::kUnreadable);
  CHECK(lost.error().message == "lost 1.0.0: client failed: connection reset");
  CHECK(files_below(folder.path()) == before);
  CHECK_FALSE(fs::exists(folder / "unpacked"));

  const auto other = build_corpus(options_for(folder.path(), {npm("one", Split::kTrain, "ISC")}), fake);
  REQUIRE_FALSE(other);
  CHECK(other.error().message == "one 1.0.0: licence: the manifest says ISC, found MIT");
  CHECK(files_below(folder.path()) == before);
}

TEST_CASE("A run that keeps going reports the problem, and the rest is made as if the package was not there") {
  const ScratchFolder folder;
  FakePackages fake = packages();
  std::vector<ManifestEntry> entries = manifest();
  entries.insert(entries.begin(), {npm("lost", Split::kHeldOut), npm("closed", Split::kTrain)});
  fake.packages["closed"] = {{"package.json", package_json("UNLICENSED")}, {"g.js", file(7)}};
  std::string said;
  CorpusOptions options = options_for(folder / "going", entries, true);
  options.say = [&said](const std::string& line) { said += line + '\n'; };
  const auto report = build_corpus(options, fake);
  REQUIRE(report);
  CHECK(report->packages[0].problem == "client failed: connection reset");
  CHECK(report->packages[1].problem == "no file was kept; left out: 1 licence not permissive");
  CHECK(report->packages[2].problem.empty());
  CHECK_THAT(said, Catch::Contains("1/5 lost 1.0.0: 0 files, 0.00 MB | client failed: connection reset\n"));
  CHECK_THAT(read_file(folder / "going" / "report.md"), Catch::Contains("- lost 1.0.0: client failed: connection reset\n"));

  REQUIRE(build_corpus(options_for(folder / "without", manifest()), fake));
  for (const char* pack : {"held-out/javascript.pack", "held-out/typescript.pack", "train/javascript.pack", "train/typescript.pack"}) {
    CHECK(read_file(folder / "going" / pack) == read_file(folder / "without" / pack));
  }
}

TEST_CASE("Packs of an older manifest and parts of an interrupted run go, other files stay") {
  const ScratchFolder folder;
  lay_out(folder.path(),
          {{"train/rust.pack", "old"}, {"held-out/go.pack.part", "part"}, {"train/notes.txt", "mine"}, {"unpacked/package/x.js", file(9)}});
  FakePackages fake = packages();
  REQUIRE(build_corpus(options_for(folder.path(), manifest()), fake));
  Names expected = kAllFiles;
  expected.insert(std::find(expected.begin(), expected.end(), "train/typescript.pack"), "train/notes.txt");
  CHECK(names_of(files_below(folder.path())) == expected);
}

TEST_CASE("An output that cannot be made is an error before any package is fetched") {
  const ScratchFolder folder;
  write_file(folder / "file", "");
  FakePackages fake = packages();
  const auto report = build_corpus(options_for(folder / "file", manifest()), fake);
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::kUnreadable);
  CHECK(report.error().message.starts_with((folder / "file").string()));
  CHECK(fake.asked.empty());
}

TEST_CASE("A pack or a report that cannot be written is an error with its path") {
  const ScratchFolder folder;
  FakePackages fake = packages();
  for (const char* blocked : {"train/javascript.pack.part", "held-out/typescript.pack", "report.json", "report.md"}) {
    INFO(blocked);
    lay_out(folder / "out", {{std::string(blocked) + "/file", ""}});
    const auto report = build_corpus(options_for(folder / "out", manifest()), fake);
    REQUIRE_FALSE(report);
    CHECK(report.error().code == ErrorCode::kUnreadable);
    CHECK(report.error().message.starts_with((folder / "out" / blocked).string() + ": cannot write: "));
    CHECK_FALSE(fs::exists(folder / "out" / "unpacked"));
    fs::remove_all(folder / "out");
  }
}

TEST_CASE("A disk that is full is an error, and leaves neither packs nor parts of them") {
  const ScratchFolder folder;
  FakePackages fake;
  Files& files = fake.packages["large"];
  files["package.json"] = package_json("MIT");
  for (std::uint64_t i = 0; i < 40; ++i) files[std::string(i + 1, 'x') + ".js"] = code(i, 300);  // 9 KB each
  CHECK(files["x.js"].size() < 32768);
  Result<CorpusReport> report;
  {
    const LimitGuard guard(RLIMIT_FSIZE, 65536);
    report = build_corpus(options_for(folder.path(), {npm("large", Split::kTrain)}), fake);
  }
  REQUIRE_FALSE(report);
  CHECK(report.error().code == ErrorCode::kUnreadable);
  CHECK(report.error().message.ends_with(std::strerror(EFBIG)));
  CHECK(files_below(folder.path()).empty());
}

}  // namespace
}  // namespace octet::tests

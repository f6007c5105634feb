#include "bytemodel/training/corpus/package_text.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
namespace fs = std::filesystem;

const ManifestEntry kDebian{PackageSource::kDebianSource, "name", "1.0-1", Split::kTrain, "any"};
const ManifestEntry kDebianBinary{PackageSource::kDebianBinary, "name", "1.0-1", Split::kTrain, "any"};

Result<PackageText> read(const ManifestEntry& entry, const Files& files) {
  const ScratchFolder folder;
  lay_out(folder.path(), files);
  return read_package(entry, folder.path());
}

std::vector<std::string> paths_of(const PackageText& text) {
  std::vector<std::string> out;
  for (const Document& document : text.documents) out.push_back(std::string(document.language) + " " + document.path);
  return out;
}

using Paths = std::vector<std::string>;

TEST_CASE("A package gives its texts sorted by path, and says what was left out and why") {
  const auto text = read(npm("a", Split::kTrain), {{"package.json", package_json("MIT")},
                                                   {"src/b.js", code(1)},
                                                   {"src/a.ts", code(2)},
                                                   {"index.js", code(3)},
                                                   {"README.md", code(4)},
                                                   {"node_modules/x/i.js", code(5)},
                                                   {"small.js", "x"},
                                                   {"big.js", std::string(std::size_t{2} << 20, 'x')}});
  REQUIRE(text);
  CHECK(paths_of(*text) == Paths{"javascript index.js", "typescript src/a.ts", "javascript src/b.js"});
  CHECK(text->documents[0].text == code(3));
  CHECK(text->licence == "MIT");
  REQUIRE(text->dropped.size() == 3);
  CHECK(text->dropped.at("vendored, generated or data folder").n_bytes == code(5).size());
  CHECK(text->dropped.at("shorter than 200 bytes").n_documents == 1);
  CHECK(text->dropped.at("longer than 120 KB").n_bytes == std::uint64_t{2} << 20);
}

TEST_CASE("Each file is kept or left out by its own licence, and most of the text names the package's") {
  const auto text = read(kDebian, {{"debian/copyright", copyright({{"*", "Expat"}, {"src/*", "GPL-2+ or ISC"}, {"src/gpl.c", "GPL-2"}})},
                                   {"a.c", code(1, 20)},
                                   {"src/b.c", code(2, 15)},
                                   {"src/c.c", code(3, 15)},
                                   {"src/gpl.c", code(4, 80)}});
  REQUIRE(text);
  CHECK(paths_of(*text) == Paths{"c a.c", "c src/b.c", "c src/c.c"});
  CHECK(text->licence == "GPL-2+ or ISC");
  CHECK(text->dropped.at("licence not permissive").n_bytes == code(4, 80).size());
}

TEST_CASE("In a binary package the copyright file's other paths cannot hide a licence") {
  const auto text =
      read(kDebianBinary, {{"usr/share/doc/name/copyright", copyright({{"*", "Expat"}, {"src/gpl.py", "GPL-2"}, {"debian/*", "GPL-3"}})},
                           {"usr/lib/python3/dist-packages/name/core.py", code(1)},
                           {"usr/lib/python3/dist-packages/name/gpl.py", code(2)}});
  REQUIRE(text);
  CHECK(paths_of(*text) == Paths{"python usr/lib/python3/dist-packages/name/core.py"});
}

TEST_CASE("Headers are C++ where the package itself has C++") {
  const std::string statement = copyright({{"*", "MIT"}});
  CHECK(paths_of(read(kDebian, {{"debian/copyright", statement}, {"a.h", code(1)}, {"b.c", code(2)}}).value()) == Paths{"c a.h", "c b.c"});
  CHECK(paths_of(read(kDebian, {{"debian/copyright", statement}, {"a.h", code(1)}, {"b.cc", code(2)}}).value()) ==
        Paths{"cpp a.h", "cpp b.cc"});
  CHECK(paths_of(read(kDebian, {{"debian/copyright", statement}, {"a.h", code(1)}, {"vendor/b.cc", code(2)}}).value()) == Paths{"c a.h"});
}

TEST_CASE("Line ends are LF, and a text that is no UTF-8 is left out") {
  const auto text =
      read(npm("a", Split::kTrain),
           {{"package.json", package_json("MIT")}, {"a.js", "x = y;\r\n" + code(1)}, {"b.js", code(2) + "\xFE\n"}, {"\xFF.js", code(3)}});
  REQUIRE(text);
  REQUIRE(paths_of(*text) == Paths{"javascript a.js"});
  CHECK(text->documents[0].text == "x = y;\n" + code(1));
  CHECK(text->dropped.at("not clean UTF-8").n_documents == 1);
  CHECK(text->dropped.at("path not plain text").n_documents == 1);
}

TEST_CASE("Links are not followed, whether to files, folders or nowhere, and pipes are not opened") {
  const ScratchFolder folder;
  const fs::path root = folder / "root";
  lay_out(folder.path(),
          {{"secret.js", code(1)}, {"outside/x.js", code(2)}, {"root/package.json", package_json("MIT")}, {"root/real.js", code(3)}});
  fs::create_symlink(folder / "secret.js", root / "link.js");
  fs::create_directory_symlink(folder / "outside", root / "lib");
  fs::create_directory_symlink(root, root / "loop");
  fs::create_symlink("nowhere", root / "broken.js");
  REQUIRE(::mkfifo((root / "pipe.js").c_str(), 0600) == 0);
  CHECK(paths_of(read_package(npm("a", Split::kTrain), root).value()) == Paths{"javascript real.js"});
}

TEST_CASE("A licence's statement outside the package does not count, one behind a link inside does") {
  const ScratchFolder folder;
  const fs::path root = folder / "root";
  lay_out(folder.path(), {{"copyright", copyright({{"*", "MIT"}})},
                          {"root/usr/share/doc/other/copyright", copyright({{"*", "ISC"}})},
                          {"root/usr/a.py", code(1)}});
  fs::create_directories(root / "usr/share/doc/name");
  fs::create_symlink(folder / "copyright", root / "usr/share/doc/name/copyright");
  const auto outside = read_package(kDebianBinary, root);
  REQUIRE_FALSE(outside);
  CHECK(outside.error().message == "usr/share/doc/name/copyright: expected a file of the package, found none");

  fs::remove_all(root / "usr/share/doc/name");
  fs::create_directory_symlink("other", root / "usr/share/doc/name");
  CHECK(read_package(kDebianBinary, root).value().licence == "ISC");

  fs::remove(root / "usr/share/doc/name");
  fs::create_directories(root / "usr/share/doc/name");
  REQUIRE(::mkfifo((root / "usr/share/doc/name/copyright").c_str(), 0600) == 0);
  CHECK_FALSE(read_package(kDebianBinary, root));
}

TEST_CASE("A package without a statement, or with nothing to keep, is an error that says what was found") {
  CHECK(read(kDebian, {{"a.c", code(1)}}).error().message == "debian/copyright: expected a file of the package, found none");
  CHECK(read(npm("a", Split::kTrain), {{"a.js", code(1)}}).error().message == "package.json: expected a file of the package, found none");
  const auto nothing = read(npm("a", Split::kTrain),
                            {{"package.json", package_json("UNLICENSED")}, {"a.js", code(1)}, {"b.js", code(2)}, {"dist/c.js", "x"}});
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == ErrorCode::kUnsupported);
  CHECK(nothing.error().message == "no file was kept; left out: 2 licence not permissive, 1 vendored, generated or data folder");
  CHECK(read(npm("a", Split::kTrain), {{"package.json", package_json("MIT")}}).error().message ==
        "no file was kept; left out: none in the seven languages");
}

TEST_CASE("The licence that was found must be the manifest's") {
  const Files files{{"package.json", package_json("(MIT OR Apache-2.0)")}, {"a.js", code(1)}};
  CHECK(read(npm("a", Split::kTrain, "(MIT_OR_Apache-2.0)"), files));
  CHECK(read(npm("a", Split::kTrain, "any"), files));
  const auto other = read(npm("a", Split::kTrain, "MIT"), files);
  REQUIRE_FALSE(other);
  CHECK(other.error().message == "licence: the manifest says MIT, found (MIT_OR_Apache-2.0)");
}

TEST_CASE("A folder that cannot be listed is an error, not fewer files") {
  const ScratchFolder folder;
  std::string path;
  for (int i = 0; i < 80; ++i) path += "d/";
  lay_out(folder.path(), {{"package.json", package_json("MIT")}, {"a.js", code(1)}, {path + "b.js", code(2)}});
  CHECK(read_package(npm("a", Split::kTrain), folder.path()).value().documents.size() == 2);
  const LimitGuard guard(RLIMIT_NOFILE, 40);  // one is open for each folder on the way
  const auto text = read_package(npm("a", Split::kTrain), folder.path());
  REQUIRE_FALSE(text);
  CHECK(text.error().message == "the unpacked files cannot be listed: Too many open files");
}

}  // namespace
}  // namespace octet::tests

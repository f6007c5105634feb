#include "benchmarks/latency/trace.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "benchmarks/latency/typing.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using namespace octet::benchmarks;

/// A file of its own, gone with the object.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text, const std::string& name = "trace") {
    std::string folder = std::filesystem::temp_directory_path() / "octet-trace-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    folder_ = folder;
    path_ = folder_ / name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ScratchFile() { std::filesystem::remove_all(folder_); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path folder_;
  std::filesystem::path path_;
};

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> samples() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(source_dir() / "benchmarks/samples")) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

std::string error_of(const std::string& lines) {
  const ScratchFile file(lines);
  const auto trace = read_trace(file.path());
  REQUIRE_FALSE(trace);
  return trace.error().message;
}

}  // namespace

TEST_CASE("whoever types the trace has the files in the end") {
  rc::check([](std::uint64_t seed, unsigned n_keys) {
    const TypingOptions options{samples(), 1 + n_keys % 2000, seed};
    const auto trace = typed_again(options);
    RC_ASSERT(trace.has_value());
    TraceDocuments documents(*trace);
    std::size_t n_missing = 0;
    for (std::size_t i = 0; i < documents.size(); ++i) n_missing += text_of(options.files[i]).size() - documents.text(i).size();
    RC_ASSERT(n_missing > 0U);
    double before_ms = 0;
    for (const TraceEvent& event : trace->events) {
      RC_ASSERT(event.at_ms >= before_ms);
      RC_ASSERT(event.start <= event.end);
      before_ms = event.at_ms;
      documents.apply(event);
      RC_ASSERT(event.cursor <= documents.text(event.file_idx).size());
    }
    for (std::size_t i = 0; i < documents.size(); ++i) RC_ASSERT(documents.text(i) == text_of(options.files[i]));
    RC_ASSERT(trace->n_keys() <= n_missing + trace->events.size() / 10 + 40);
  });
}

TEST_CASE("a trace of other files than code is made too, with CRLF and wide characters") {
  std::string text;
  for (int i = 0; i < 12; ++i) text += "\tw\xC3\xB6rter \xF0\x9F\x98\x80 und mehr\r\n\r\n";
  const ScratchFile file(text, "a.unknown");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto trace = typed_again({{file.path()}, 30, seed});
    REQUIRE(trace);
    CHECK(trace->files[0].language == "plaintext");
    TraceDocuments documents(*trace);
    for (const TraceEvent& event : trace->events) documents.apply(event);
    REQUIRE(documents.text(0) == text);
    const ScratchFile written(to_json_lines(*trace));
    REQUIRE(read_trace(written.path()));
  }
}

TEST_CASE("the same seed is the same trace, and another seed is another") {
  const auto hash = [](std::uint64_t seed) { return hash_of(*typed_again({samples(), 100, seed})); };
  CHECK(hash(1) == hash(1));
  CHECK(hash(1) != hash(2));
}

TEST_CASE("a trace that was written is the trace that is read") {
  const auto trace = typed_again({samples(), 200, 3});
  REQUIRE(trace);
  const ScratchFile file(to_json_lines(*trace));
  const auto read = read_trace(file.path());
  REQUIRE(read);
  CHECK(to_json_lines(*read) == to_json_lines(*trace));
}

TEST_CASE("a line that fits nothing is named") {
  const std::string file = R"({"path":"a.c","language":"c","text":"a\u00f6b"})"
                           "\n";
  const std::string key = R"({"at_ms":5,"file":0,"start":0,"end":0,"text":"x","cursor":1})"
                          "\n";
  CHECK_THAT(error_of(file + "nothing\n"), Catch::Contains(":2: expected a JSON object"));
  CHECK_THAT(error_of(file + "[1]\n"), Catch::Contains(":2: expected a JSON object"));
  CHECK_THAT(error_of(R"({"path":"a.c","text":""})"), Catch::Contains("expected a string \"language\""));
  CHECK_THAT(error_of(key), Catch::Contains(":1: file 0 of 0"));
  CHECK_THAT(error_of(file), Catch::Contains("expected at least one key"));
  CHECK_THAT(error_of(file + key + file), Catch::Contains("a file behind the first event"));
  CHECK_THAT(error_of(file + key + R"({"at_ms":4,"file":0,"start":0,"end":0,"text":"x","cursor":1})"),
             Catch::Contains(":3: a time before"));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":2,"end":3,"text":"x","cursor":1})"), Catch::Contains("no characters"));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":0,"end":9,"text":"x","cursor":1})"), Catch::Contains("no characters"));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":0,"end":0,"text":"x","cursor":9})"), Catch::Contains("a cursor at byte 9"));
  CHECK_THAT(error_of(file + R"({"at_ms":-4,"file":0,"start":0,"end":0,"text":"x","cursor":1})"),
             Catch::Contains("a time before the first"));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":-1,"end":0,"text":"x","cursor":1})"),
             Catch::Contains("expected a whole number \"start\""));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":0.5,"end":0,"text":"x","cursor":1})"),
             Catch::Contains("expected a whole number \"start\""));
  CHECK_THAT(error_of(file + R"({"at_ms":4,"file":0,"start":0,"end":0,"text":"x","cursor":1,"key":2})"), Catch::Contains("\"key\""));
  CHECK_FALSE(read_trace("nowhere"));
  CHECK(typed_again({{"nowhere.c"}, 10, 1}).error().code == ErrorCode::kUnreadable);
  const ScratchFile few("a\n\nb\n");
  CHECK(typed_again({{few.path()}, 10, 1}).error().code == ErrorCode::kInvalidArgument);
}

}  // namespace octet::tests

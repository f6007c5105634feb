// The file and the cursor that the command line names.
#include "lsp/commands/source_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using lsp::find_cursor;
using lsp::kMaxSourceBytes;
using lsp::read_source;

/// A folder of this process's own, gone with the test.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("octet-source-test-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directory(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }
  fs::path operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

ErrorCode error_of(const fs::path& path) {
  const auto text = read_source(path);
  REQUIRE_FALSE(text.has_value());
  CHECK_THAT(text.error().message, Catch::Contains(path.filename().string()));
  return text.error().code;
}

struct Place {
  std::size_t line;
  std::size_t column;
  std::size_t offset;
};

void check_places(const std::string& text, const std::vector<Place>& places) {
  for (const Place& place : places) {
    CAPTURE(text, place.line, place.column);
    const auto offset = find_cursor(text, place.line, place.column);
    REQUIRE(offset.has_value());
    CHECK(*offset == place.offset);
  }
}

void check_refused(const std::string& text, const std::vector<std::pair<std::size_t, std::size_t>>& places) {
  for (const auto& [line, column] : places) {
    CAPTURE(text, line, column);
    const auto offset = find_cursor(text, line, column);
    REQUIRE_FALSE(offset.has_value());
    CHECK(offset.error().code == ErrorCode::kInvalidArgument);
    CHECK(!offset.error().message.empty());
  }
}

}  // namespace

TEST_CASE("lines and columns count from one, and a line's end has a column") {
  check_places("ab\n\ncd", {{1, 1, 0}, {1, 2, 1}, {1, 3, 2}, {2, 1, 3}, {3, 1, 4}, {3, 2, 5}, {3, 3, 6}});
  check_refused("ab\n\ncd", {{1, 4}, {2, 2}, {3, 4}, {4, 1}, {100, 1}, {1, SIZE_MAX}, {SIZE_MAX, 1}});
}

TEST_CASE("the end of a file is a place with and without a last line end") {
  check_places("", {{1, 1, 0}});
  check_refused("", {{1, 2}, {2, 1}});
  check_places("a", {{1, 2, 1}});
  check_places("a\n", {{1, 2, 1}, {2, 1, 2}});
  check_refused("a\n", {{1, 3}, {2, 2}, {3, 1}});
}

TEST_CASE("a CR before a line end is no column") {
  check_places("ab\r\ncd\r\n", {{1, 3, 2}, {2, 1, 4}, {2, 3, 6}, {3, 1, 8}});
  check_refused("ab\r\ncd\r\n", {{1, 4}, {1, 5}, {2, 4}});
  check_places("a\rb\n", {{1, 3, 2}, {1, 4, 3}});
}

TEST_CASE("a column inside a character is refused and those around it are not") {
  const std::string text = "é€😀\nж";
  check_places(text, {{1, 1, 0}, {1, 3, 2}, {1, 6, 5}, {1, 10, 9}, {2, 1, 10}, {2, 3, 12}});
  check_refused(text, {{1, 2}, {1, 4}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {2, 2}, {1, 11}, {2, 4}});
}

TEST_CASE("there is no line zero and no column zero") { check_refused("ab\ncd", {{2, 0}, {0, 1}}); }

TEST_CASE("a text file is read whole and unchanged") {
  const Folder folder;
  for (const std::string& text :
       {std::string(), std::string("one\r\ntwo\n\n"), std::string("\xEF\xBB\xBFж😀\xff\t"), std::string(100'000, 'x')}) {
    const auto read = read_source(folder.write("a b.txt", text));
    REQUIRE(read.has_value());
    CHECK(*read == text);
  }
}

TEST_CASE("a file that is missing, no file, or behind a broken link is named in the error") {
  const Folder folder;
  CHECK(error_of(folder / "missing.txt") == ErrorCode::kNotFound);
  CHECK(error_of(folder / "missing" / "deeper.txt") == ErrorCode::kNotFound);
  fs::create_directory(folder / "directory");
  CHECK(error_of(folder / "directory") == ErrorCode::kUnreadable);
  fs::create_symlink(folder / "nowhere", folder / "link");
  CHECK(error_of(folder / "link") == ErrorCode::kNotFound);
  CHECK(error_of("/dev/null") == ErrorCode::kUnreadable);
  fs::create_symlink(folder.write("there.txt", "x"), folder / "good");
  CHECK(read_source(folder / "good").has_value());
}

TEST_CASE("a file with a NUL byte is no text") {
  const Folder folder;
  CHECK(error_of(folder.write("a.bin", std::string("\x7f"
                                                   "ELF\0\0",
                                                   6))) == ErrorCode::kUnsupported);
  CHECK(error_of(folder.write("b.bin", std::string(50'000, 'x') + '\0')) == ErrorCode::kUnsupported);
}

TEST_CASE("a file beyond the limit is refused before it is read") {
  const Folder folder;
  const fs::path path = folder.write("huge.txt", "x");
  // Sparse: were it read, the NUL bytes would be what it is refused for.
  fs::resize_file(path, std::uintmax_t{200} << 20);
  CHECK(error_of(path) == ErrorCode::kTooLarge);
  fs::resize_file(path, kMaxSourceBytes + 1);
  CHECK(error_of(path) == ErrorCode::kTooLarge);
  CHECK(read_source(folder.write("largest.txt", std::string(kMaxSourceBytes, 'x')))->size() == kMaxSourceBytes);
}

}  // namespace octet::tests

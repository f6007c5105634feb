#include "bytemodel/training/corpus/manifest.h"

#include <catch2/catch.hpp>

#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

std::string message_of(const std::string& text) {
  const auto entries = parse_manifest(text);
  if (entries) return "";
  CHECK(entries.error().code == ErrorCode::kMalformed);
  return entries.error().message;
}

TEST_CASE("A manifest names source, package, version, split and licence, one package a line") {
  const auto entries = parse_manifest(
      "# all of them\n"
      "\n"
      "deb-src zlib 1:1.2.13.dfsg-1+b~1 held-out Zlib  # the oldest\r\n"
      "deb python3-click 8.1.3-2 train BSD-3-clause\n"
      "npm @tanstack/query-core 5.0.0-rc.1 train MIT_OR_Apache-2.0");
  REQUIRE(entries);
  const std::vector<ManifestEntry> expected{
      {PackageSource::kDebianSource, "zlib", "1:1.2.13.dfsg-1+b~1", Split::kHeldOut, "Zlib"},
      {PackageSource::kDebianBinary, "python3-click", "8.1.3-2", Split::kTrain, "BSD-3-clause"},
      {PackageSource::kNpm, "@tanstack/query-core", "5.0.0-rc.1", Split::kTrain, "MIT_OR_Apache-2.0"}};
  CHECK(*entries == expected);
}

TEST_CASE("A mistake in a manifest is named with its line") {
  CHECK(message_of("npm a 1.0.0 train any\nrpm b 1.0.0 train any") == "line 2: source: expected deb-src, deb or npm, found 'rpm'");
  CHECK(message_of("npm a 1.0.0 test any") == "line 1: split: expected train or held-out, found 'test'");
  CHECK(message_of("npm a 1.0.0 train") == "line 1: expected SOURCE NAME VERSION SPLIT LICENCE, found 4 words");
  CHECK(message_of("npm a 1.0.0 train MIT or ISC") == "line 1: expected SOURCE NAME VERSION SPLIT LICENCE, found 7 words");
  CHECK(message_of("npm a 1.0.0 train any\nnpm a 2.0.0 held-out any") == "line 2: a is named twice");
  CHECK(message_of("# nothing\n") == "expected packages, found none");
  CHECK(message_of("") == "expected packages, found none");
}

TEST_CASE("A name or a version that a client would take for a path, an address or an option is refused") {
  for (const char* source : {"deb-src", "deb", "npm"}) {
    for (const char* name :
         {"../x",   "/etc/passwd", "./x", "..",  ".",  "-oDir::Cache=x", "a/../../b", "a/b", "@/b", "@a/", "@../b", "@a/..",
          "@a/b/c", "a@b",         "a;b", "a=b", "a*", "h\xC3\xA4",      "file:x",    "a\\b"}) {
      INFO(source << ' ' << name);
      CHECK(message_of(std::string(source) + ' ' + name + " 1.0.0 train any").find("a package's name, found '" + std::string(name)) !=
            std::string::npos);
    }
    for (const char* version : {"latest", "^1.0.0", ">=1", "*", "1/../2", "../1", "-1", "file:../x", "1.0@2"}) {
      INFO(source << ' ' << version);
      CHECK(message_of(std::string(source) + " abc " + version + " train any").find("an exact version, found") != std::string::npos);
    }
  }
  CHECK(message_of("npm @a/b 1.0.0 train any").empty());
  CHECK_FALSE(message_of("deb @a/b 1.0.0 train any").empty());
  CHECK_FALSE(message_of("npm " + std::string(215, 'a') + " 1.0.0 train any").empty());
}

TEST_CASE("A manifest that is not there or cannot be read says so with its path") {
  const ScratchFolder folder;
  const auto missing = read_manifest(folder / "none.txt");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::kNotFound);
  CHECK(missing.error().message == (folder / "none.txt").string() + ": no such file");

  const auto is_folder = read_manifest(folder.path());
  REQUIRE_FALSE(is_folder);
  CHECK(is_folder.error().code == ErrorCode::kUnreadable);

  write_file(folder / "bad.txt", "npm\n");
  const auto bad = read_manifest(folder / "bad.txt");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().message.starts_with((folder / "bad.txt").string() + ": line 1: "));
}

TEST_CASE("A licence becomes one word") {
  CHECK(licence_word("Apache-2.0 or MIT") == "Apache-2.0_or_MIT");
  CHECK(licence_word("  MIT  or\tISC ") == "MIT_or_ISC");
  CHECK(licence_word("").empty());
}

}  // namespace
}  // namespace octet::tests

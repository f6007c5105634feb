#include "lsp/glob.h"

#include <fnmatch.h>

#include <fmt/format.h>
#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace octet::lsp {
namespace {

bool matches(const std::string& pattern, const std::string& path) {
  const auto glob = Glob::parse(pattern);
  REQUIRE(glob.has_value());
  return glob->matches(path);
}

/// Few letters, so that much matches.
rc::Gen<std::string> text_of(const std::string& letters) { return rc::gen::container<std::string>(rc::gen::elementOf(letters)); }

}  // namespace

TEST_CASE("stars and question marks match what the system's fnmatch() matches") {
  CHECK(rc::check("no folder is crossed", [] {
    const auto body = *text_of("ab*?");
    RC_PRE(body.find("**") == std::string::npos);
    const std::string pattern = fmt::format("/{}", body);
    const std::string path = fmt::format("/{}", *text_of("ab/"));
    RC_ASSERT(matches(pattern, path) == (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0));
  }));
  CHECK(rc::check("sets", [] {
    const std::string set = *rc::gen::element<std::string>("[ab]", "[a-c]", "[!a]", "[!a-b]", "[a-]", "[]a]", "[!]a]");
    const std::string pattern = fmt::format("/{}{}{}", *text_of("ab*"), set, *text_of("ab?"));
    RC_PRE(pattern.find("**") == std::string::npos);
    const std::string path = fmt::format("/{}", *text_of("abc-]/"));
    RC_ASSERT(matches(pattern, path) == (::fnmatch(pattern.c_str(), path.c_str(), FNM_PATHNAME) == 0));
  }));
}

TEST_CASE("two stars cross folders, and between slashes they stand for none as well") {
  for (const char* path : {"/a/b.c", "/a/x/b.c", "/a/x/y/b.c"}) CHECK(matches("/a/**/b.c", path));
  for (const char* path : {"/a/xb.c", "/ab.c", "/b/a/b.c", "/a/x/b.cc"}) CHECK_FALSE(matches("/a/**/b.c", path));
  for (const char* path : {"generated/a.py", "/w/generated/a.py", "/w/generated/x/a.py"}) CHECK(matches("**/generated/**", path));
  for (const char* path : {"/w/generated", "/w/notgenerated/a.py", "generated"}) CHECK_FALSE(matches("**/generated/**", path));
  CHECK(matches("src/**", "src/a/b"));
  CHECK_FALSE(matches("src/**", "lib/src/a"));
}

TEST_CASE("a pattern without a slash is for names, in whatever folder") {
  for (const char* path : {"notes.md", "/a/b/notes.md", "untitled:notes.md"}) CHECK(matches("*.md", path));
  CHECK_FALSE(matches("*.md", "/a/notes.md/b.c"));
}

TEST_CASE("braces stand for each of what they list") {
  for (const char* path : {"a.ts", "a.tsx", "a.js"}) CHECK(matches("*.{ts,tsx,js}", path));
  CHECK_FALSE(matches("*.{ts,tsx,js}", "a.jsx"));
  CHECK(matches("a{,b}c", "ac"));
  CHECK(matches("{a,b}{1,2}", "b1"));
}

TEST_CASE("a pattern that cannot be read is refused and named") {
  const std::vector<std::string> patterns{"", "[ab", "a{b", "{a,{b,c}}", std::string(513, 'a'), "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"};
  for (const std::string& pattern : patterns) {
    CAPTURE(pattern);
    const auto glob = Glob::parse(pattern);
    REQUIRE_FALSE(glob.has_value());
    CHECK(glob.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(glob.error().message, Catch::StartsWith(fmt::format("'{}': ", pattern)));
  }
}

TEST_CASE("whatever the pattern, it is read or refused, and matches in time") {
  CHECK(rc::check("noise", [] {
    if (const auto glob = Glob::parse(*rc::gen::arbitrary<std::string>())) (void)glob->matches(*rc::gen::arbitrary<std::string>());
  }));
  // A matcher that tries one way after the other takes 2^100 steps for this.
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(matches(pattern, std::string(4000, 'a') + "b"));
}

}  // namespace octet::lsp

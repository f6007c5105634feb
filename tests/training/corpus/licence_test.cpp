#include "bytemodel/training/corpus/licence.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

TEST_CASE("The short names of permissive licences are known, with versions and whose they are") {
  for (const char* name : {"MIT",
                           "Expat",
                           "expat",
                           "X11",
                           "BSD-3-clause",
                           "BSD-2-Clause",
                           "BSD-3-Clause~Google",
                           "BSD3_Google",
                           "BSD2",
                           "Apache-2.0",
                           "Apache-2",
                           "Apache",
                           "ISC",
                           "Zlib",
                           "zlib/libpng",
                           "PSF-2",
                           "Python-2.0",
                           "PostgreSQL",
                           "BSL-1.0",
                           "BSL-1",
                           "Boost-1.0",
                           "public-domain",
                           "CC0-1.0",
                           "Unlicense",
                           "0BSD",
                           "curl",
                           "OpenSSL+SSLeay",
                           "MIT-0",
                           "Unicode-DFS-2016",
                           "BlueOak-1.0.0"}) {
    INFO(name);
    CHECK(is_permissive(name));
  }
}

TEST_CASE("A name that only begins like a permissive one is not permissive") {
  for (const char* name : {"",
                           "UNLICENSED",
                           "UNKNOWN",
                           "GPL-2+",
                           "LGPL-2.1",
                           "AGPL-3",
                           "MPL-2.0",
                           "BSL-1.1",
                           "BSL",
                           "BUSL-1.1",
                           "CC-BY-4.0",
                           "CC-BY-SA-3.0",
                           "MIT-like",
                           "BSD-style",
                           "bsdlike",
                           "Mitre",
                           "Apachelike",
                           "Zlibrary",
                           "BSD-Protection",
                           "BSD-3-Clause-No-Nuclear-License",
                           "Apache-2.0-with-Commons-Clause",
                           "MIT-NonCommercial",
                           "Apache-2.0+GPL-2",
                           "SEE LICENSE IN LICENSE.md",
                           "Proprietary",
                           "Artistic-2.0",
                           "MIT GPL-2",
                           "BSD 3-clause"}) {
    INFO(name);
    CHECK_FALSE(is_permissive(name));
  }
}

TEST_CASE("And, or, commas, parentheses and exceptions mean what the specifications say") {
  for (const char* expression : {"GPL-2+ or Expat", "Apache-2.0 OR MIT", "(MIT OR Apache-2.0)", "((MIT))", "Apache-2.0 with LLVM exception",
                                 "Apache-2.0 WITH LLVM-exception", "GPL-2+ or Artistic, or Expat", "MIT or GPL-2 and GPL-3",
                                 "GPL-2 and GPL-3 or MIT", "MIT, and BSD-3-clause", "MIT, ISC", "GPL-2 and/or MIT",
                                 "Apache-2.0 with LLVM exception or GPL-2", "(GPL-2.0 OR MIT) AND ISC", "MIT  or\tGPL-2"}) {
    INFO(expression);
    CHECK(is_permissive(expression));
  }
  for (const char* expression :
       {"BSD-3-clause and GPL-2", "GPL-2 with OpenSSL exception", "Apache-2.0 with Commons Clause", "MIT or GPL-2, and GPL-3", "MIT, GPL-2",
        "(MIT OR GPL-2.0) AND GPL-3.0", "GPL-3.0 AND (MIT OR GPL-2.0)", "MIT/GPL-2", "GPL-2 with exception, and MIT"}) {
    INFO(expression);
    CHECK_FALSE(is_permissive(expression));
  }
}

TEST_CASE("What is no expression is not permissive") {
  for (const char* text : {"or", "MIT or", "or MIT", "and MIT", "MIT and", "MIT with", "with exception", "(MIT", "MIT)", "()",
                           "(MIT) (ISC)", ",", "MIT,", "MIT or or ISC"}) {
    INFO(text);
    CHECK_FALSE(is_permissive(text));
  }
  CHECK_FALSE(is_permissive(std::string(1 << 20, '(')));
}

struct Expression {
  std::string text;
  bool value;
};

Expression any_expression(int depth) {
  const int kind = depth == 0 ? 0 : *rc::gen::inRange(0, 3);
  if (kind == 0) {
    return *rc::gen::elementOf(std::vector<Expression>{{"MIT", true},
                                                       {"Expat", true},
                                                       {"BSD-3-clause", true},
                                                       {"Apache-2.0 with LLVM exception", true},
                                                       {"GPL-2+", false},
                                                       {"BSL-1.1", false},
                                                       {"GPL-3 with Bison exception", false},
                                                       {"UNLICENSED", false}});
  }
  const Expression a = any_expression(depth - 1);
  const Expression b = any_expression(depth - 1);
  if (kind == 1) return {"(" + a.text + ") or (" + b.text + ")", a.value || b.value};
  return {"(" + a.text + ") AND (" + b.text + ")", a.value && b.value};
}

TEST_CASE("A or B is permissive iff one of them is, A and B iff both are") {
  CHECK(rc::check([] {
    const Expression a = any_expression(3);
    const Expression b = any_expression(0);
    RC_ASSERT(is_permissive(a.text) == a.value);
    RC_ASSERT(is_permissive("(" + a.text + ") or " + b.text) == (a.value || b.value));
    RC_ASSERT(is_permissive(b.text + " and (" + a.text + ")") == (a.value && b.value));
    RC_ASSERT(is_permissive(a.text + ", and " + b.text) == (a.value && b.value));
    RC_ASSERT(is_permissive(a.text + ", or " + b.text) == (a.value || b.value));
  }));
}

TEST_CASE("No text makes the reader of expressions fail") {
  CHECK(rc::check([] {
    const auto words = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("MIT", "GPL-2", "or", "and", "with", "(", ")", ",", "exception", "/", "and/or", "\xFF"));
    std::string text;
    for (const std::string& word : words) text += word + *rc::gen::element<std::string>("", " ");
    is_permissive(text);
  }));
}

LicenceMap debian(const std::string& text) { return LicenceMap::parse_debian(text).value(); }

TEST_CASE("The last paragraph that matches a path gives its licence") {
  const LicenceMap map =
      debian(copyright({{"*", "Expat"}, {"src/*", "GPL-2"}, {"src/free.c docs/*\n lib/?.c", "ISC\n Text of it.\n .\n More"}}));
  CHECK(map.licence_of("a.c") == "Expat");
  CHECK(map.licence_of("src/b.c") == "GPL-2");
  CHECK(map.licence_of("src/deep/b.c") == "GPL-2");
  CHECK(map.licence_of("src/free.c") == "ISC");
  CHECK(map.licence_of("docs/x/y.c") == "ISC");
  CHECK(map.licence_of("lib/a.c") == "ISC");
  CHECK(map.licence_of("lib/ab.c") == "Expat");
  CHECK(debian(copyright({{"src/*", "MIT"}})).licence_of("other.c").empty());
}

TEST_CASE("Patterns know two wildcards, escapes and a leading ./, and brackets mean themselves") {
  const LicenceMap map =
      debian(copyright({{"./src/a.c", "A"}, {"pages/[id].js", "B"}, {R"(x\*y)", "C"}, {R"(x\?y)", "D"}, {R"(x\\y)", "E"}}));
  CHECK(map.licence_of("src/a.c") == "A");
  CHECK(map.licence_of("pages/[id].js") == "B");
  CHECK(map.licence_of("pages/i.js").empty());
  CHECK(map.licence_of("x*y") == "C");
  CHECK(map.licence_of("x?y") == "D");
  CHECK(map.licence_of(R"(x\y)") == "E");
  CHECK(map.licence_of("xay").empty());
}

bool naive_match(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') return naive_match(pattern.substr(1), text) || (!text.empty() && naive_match(pattern, text.substr(1)));
  if (text.empty()) return false;
  if (pattern[0] == '?') return naive_match(pattern.substr(1), text.substr(1));
  const std::size_t plain = pattern[0] == '\\' && pattern.size() > 1 ? 1 : 0;
  return pattern[plain] == text[0] && naive_match(pattern.substr(plain + 1), text.substr(1));
}

TEST_CASE("Patterns match as the naive matcher says") {
  CHECK(rc::check([] {
    const auto pattern = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', '/', '*', '?', '\\', '[')));
    const auto path = *rc::gen::container<std::string>(rc::gen::element('a', 'a', 'b', '/', '*', '\\', '['));
    RC_PRE(!pattern.starts_with("./"));
    const LicenceMap map = debian(copyright({{pattern, "MIT"}}));
    RC_ASSERT(map.licence_of(path) == (naive_match(pattern, path) ? "MIT" : ""));
  }));
}

TEST_CASE("A pattern of many stars takes no exponential time") {
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "*a";
  CHECK(debian(copyright({{pattern + "b", "MIT"}})).licence_of(std::string(4000, 'a')).empty());
}

TEST_CASE("A paragraph without a licence takes its files out") {
  const LicenceMap map = debian(copyright({{"*", "MIT"}}) + "\nFiles: src/*\nCopyright: X\n\nLicense: GPL-2\n Text.\n");
  CHECK(map.licence_of("a.c") == "MIT");
  CHECK(map.licence_of("src/a.c").empty());
}

TEST_CASE("Comments, CRLF, tabs and the case of names do not matter in a copyright file") {
  const LicenceMap map = debian(
      "# head: line\r\nFORMAT: copyright-format/1.0\r\n\r\n \t\r\nfiles:\r\n\ta.c\r\n# License: GPL\r\n "
      "b.c\r\nlicense:\tMIT \r\n");
  CHECK(map.licence_of("a.c") == "MIT");
  CHECK(map.licence_of("b.c") == "MIT");
}

TEST_CASE("In a binary package a pattern of a folder that is there means its files and no others") {
  const LicenceMap map = debian(copyright({{"*", "Expat"},
                                           {"name/gpl/*", "GPL-3"},
                                           {"name/isc.py", "ISC"},
                                           {"*/mpl.py", "MPL-2.0"},
                                           {"debian/*", "GPL-2+"},
                                           {"docs/*", "CC-BY-SA-4.0"}}));
  const std::string root = "usr/lib/python3/dist-packages/";
  CHECK(map.licence_of_moved(root + "name/core.py") == "Expat");
  CHECK(map.licence_of_moved(root + "name/gpl/core.py") == "GPL-3");
  CHECK(map.licence_of_moved(root + "name/gpl.py") == "Expat");
  CHECK(map.licence_of_moved(root + "name/isc.py") == "ISC");
  CHECK(map.licence_of_moved(root + "name/name/isc.py") == "ISC");
  CHECK(map.licence_of_moved(root + "name/other/isc.py") == "Expat");
  CHECK(map.licence_of_moved(root + "surname/isc.py") == "GPL-3");  // name/ is gone
  CHECK(map.licence_of_moved(root + "names/isc.py") == "GPL-3");
  CHECK(map.licence_of_moved(root + "name/mpl.py") == "MPL-2.0");
  CHECK(map.licence_of_moved(root + "name/docs/conf.py") == "CC-BY-SA-4.0");
}

TEST_CASE("In a binary package a pattern whose folder is gone counts against the files that it may mean") {
  const LicenceMap map = debian(copyright({{"*", "Expat"}, {"vendored/gpl.py", "GPL-3"}, {"lib*.c", "LGPL-2"}, {"other/isc.py", "ISC"}}));
  CHECK(map.licence_of_moved("usr/share/name/core.py") == "Expat");
  CHECK(map.licence_of_moved("usr/share/name/gpl.py") == "GPL-3");
  CHECK(map.licence_of_moved("usr/share/name/isc.py") == "Expat");   // it may be, and both are permissive
  CHECK(map.licence_of_moved("usr/share/name/util.c") == "LGPL-2");  // lib*.c also matches lib/util.c
  CHECK(debian(copyright({{"*", "Expat"}, {"src/mpl*", "MPL-2.0"}})).licence_of_moved("usr/src/a.py") == "MPL-2.0");  // or src/mpl/a.py
  CHECK(debian(copyright({{"*", "Expat"}, {"lib/*", "GPL-2"}})).licence_of_moved("usr/lib/python3/a.py") == "GPL-2");
  CHECK(debian(copyright({{"*", "GPL-2"}, {"source/*", "MIT"}})).licence_of_moved("usr/a.py") == "GPL-2");
  CHECK(debian(copyright({{"b.py", "MIT"}})).licence_of_moved("usr/b.py").empty());  // only the root's is sure
}

TEST_CASE("A copyright file that machines cannot read is refused") {
  for (const char* text : {"", "\n\n", "This package was debianized by X.\n", "Files: *\nLicense: MIT\n", "Format: 1.0\n"}) {
    const auto map = LicenceMap::parse_debian(text);
    REQUIRE_FALSE(map);
    CHECK(map.error().code == ErrorCode::kUnsupported);
  }
}

TEST_CASE("package.json gives one licence for all, or a typed error") {
  CHECK(LicenceMap::parse_npm(package_json("MIT")).value().licence_of("a/b.js") == "MIT");
  for (const char* json : {"{}", R"({"license": {"type": "MIT"}})", R"({"licenses": ["MIT"]})", R"({"license": null})"}) {
    const auto map = LicenceMap::parse_npm(json);
    REQUIRE_FALSE(map);
    CHECK(map.error().code == ErrorCode::kUnsupported);
  }
  for (const std::string& json :
       {std::string(), std::string("[]"), std::string("{"), std::string(100000, '['), std::string("{\"license\": \"MIT\"}\0", 19)}) {
    const auto map = LicenceMap::parse_npm(json);
    REQUIRE_FALSE(map);
    CHECK(map.error().code == ErrorCode::kMalformed);
  }
}

}  // namespace
}  // namespace octet::tests

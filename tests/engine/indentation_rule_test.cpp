// Lines are indented as the document's are. `|` is the cursor.
#include <string>

#include <catch2/catch.hpp>

#include "engine/decode/indentation_rule.h"
#include "engine/decode/text_rules.h"
#include "tests/support/forced_decoding.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::IndentationStyle;
using Kind = IndentationStyle::Kind;

std::string shown(std::string document, const std::string& written) {
  engine::CompletionRequest request;
  request.cursor = document.find('|');
  document.erase(request.cursor, 1);
  request.document.text = std::make_shared<const std::string>(std::move(document));
  ForcedDecoder decoder;
  ForcedChooser chooser(written);
  return decoder.decode(chooser, engine::make_text_rules(request), 1000, [](std::string_view) {}).text;
}

const std::string kTabs = "int f() {\n\tif (a) {\n\t\tb();\n\t}\n}\n";
const std::string kTwoSpaces = "int f() {\n  if (a) {\n    b();\n  }\n}\nint g() {\n  if (c) {\n    d();\n  }\n}\n";

}  // namespace

TEST_CASE("what a document is indented with is what nine of ten of its lines are") {
  CHECK(IndentationStyle::of(kTabs, 3).kind == Kind::kTabs);
  CHECK(IndentationStyle::of(kTwoSpaces, 3).kind == Kind::kSpaces);
  CHECK(IndentationStyle::of(kTwoSpaces, 3).width == 2);
  CHECK(IndentationStyle::of("int f() {\n   a();\n}\n", 3).width == 0);
  CHECK(IndentationStyle::of("a\nb\n", 1).kind == Kind::kUnknown);
  CHECK(IndentationStyle::of("", 0).kind == Kind::kUnknown);
  CHECK(IndentationStyle::of(kTabs + kTwoSpaces, 3).kind == Kind::kUnknown);
  CHECK(IndentationStyle::of("def f():\n    a\n    if b:\n        c\n    if d:\n        e", 3).width == 4);
  CHECK(IndentationStyle::of("def f():\n    a\n    if b:\n      c\n    if d:\n        e", 3).width == 0);
}

TEST_CASE("spaces are not written into a document of tabs, nor tabs into one of spaces") {
  CHECK(shown(kTabs + "int h() {|\n", "\n\treturn 1;\n}") == "\n\treturn 1;\n}");
  CHECK(shown(kTabs + "int h() {|\n", "\n    return 1;\n}").empty());
  CHECK(shown(kTabs + "int h() {|\n", "\n\treturn a\n\t    + b;\n}") == "\n\treturn a\n\t    + b;\n}");
  CHECK(shown(kTwoSpaces + "int h() {|\n", "\n\treturn 1;\n}").empty());
  CHECK(shown(kTwoSpaces + "int h() {\n  |\n}\n", "a();\n\tb();") == "a();");
  CHECK(shown(kTwoSpaces + "int h() {\n|\n}\n", "\ta();").empty());
}

TEST_CASE("a block is one level deeper than the line that opens it") {
  CHECK(shown(kTwoSpaces + "int h() {|\n", "\n  return 1;\n}") == "\n  return 1;\n}");
  CHECK(shown(kTwoSpaces + "int h() {|\n", "\n    return 1;\n}").empty());
  CHECK(shown(kTwoSpaces + "int h() {|\n", "\n  if (x) {\n    y();\n  }\n}") == "\n  if (x) {\n    y();\n  }\n}");
  CHECK(shown(kTwoSpaces + "int h() {|\n", "\n  if (x) {\n      y();\n  }\n}") == "\n  if (x) {");
  CHECK(shown(kTwoSpaces + "  foo(|\n", "\n        a,\n        b);") == "\n        a,\n        b);");
  CHECK(shown(kTabs + "int h() {|\n", "\n\t\treturn 1;\n}").empty());
}

TEST_CASE("a document that shows no style takes any") {
  CHECK(shown("int h() {|\n", "\n\treturn 1;\n}") == "\n\treturn 1;\n}");
  CHECK(shown("int h() {|\n", "\n   return 1;\n}") == "\n   return 1;\n}");
}

TEST_CASE("real files have the style that they show") {
  std::size_t n_lines = 0;
  std::size_t n_shown = 0;
  for (const auto& path : source_files()) {
    std::ifstream file(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    // Each block as the file has it, written behind the line that opens it.
    for (std::size_t end = text.find("{\n"); end != std::string::npos; end = text.find("{\n", end + 1)) {
      const std::size_t line_end = std::min(text.find('\n', end + 2), text.size());
      engine::IndentationRule rule(text, end + 1);
      std::optional<engine::StopReason> stop;
      for (std::size_t i = end + 1; i < line_end && !stop; ++i) stop = rule.next(std::string_view(text).substr(i, 1), 1).stop;
      ++n_lines;
      n_shown += stop ? 0 : 1;
    }
  }
  CAPTURE(n_lines, n_shown);
  CHECK(n_lines > 500);
  CHECK(n_shown >= n_lines * 99 / 100);
}

}  // namespace octet::tests

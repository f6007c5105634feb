// Where completions end: a table of cursors and of what a model might write there.
#include <string>

#include <catch2/catch.hpp>

#include "engine/decode/stop_rules.h"

namespace octet::tests {
namespace {

using engine::Multiline;
using engine::StopReason;
using engine::StopRules;

struct Outcome {
  std::string text;
  std::string reason;  // "open" where the rules would let the model go on
};

/// Runs the rules over `written`; `|` in `document` is the cursor.
Outcome run(std::string document, const std::string& written, Multiline multiline = Multiline::kAuto) {
  const std::size_t cursor = document.find('|');
  document.erase(cursor, 1);
  StopRules rules(document, cursor, multiline);
  std::size_t n_held = 0;
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto ruling = rules.next(std::string_view(written).substr(i, 1), 1);
    n_held = ruling.n_held;
    if (ruling.stop) return {written.substr(0, i + 1 - n_held), std::string(engine::to_string(*ruling.stop))};
  }
  return {written.substr(0, written.size() - n_held), "open"};
}

void check(const Outcome& outcome, const std::string& text, const std::string& reason) {
  CHECK(outcome.text == text);
  CHECK(outcome.reason == reason);
}

}  // namespace

TEST_CASE("in the middle of a line the completion is the rest of that line") {
  check(run("x = |\n", "1 + 2\ny = 3\n"), "1 + 2", "line_end");
  check(run("x = |\n", "1 + 2\r\ny"), "1 + 2", "line_end");
  check(run("foo(|) + 1\n", "a, b"), "a, b", "open");
  check(run("if x:  # |note\n", "see\nmore"), "see", "line_end");
}

TEST_CASE("a blank line is completed with its block until a dedent") {
  check(run("def f():\n    |\n", "a = 1\n    return a\n\n\ndef g"), "a = 1\n    return a", "blank_line");
  check(run("def f():\n    |\n", "a = 1\ndef g"), "a = 1", "dedent");
  check(run("def f():\n    |\n", "if a:\n        b\n    c\nd"), "if a:\n        b\n    c", "dedent");
  check(run("def f():\n|\n", "    a = 1\n    b = 2\nc = 3"), "    a = 1\n    b = 2", "dedent");
  check(run("\tint n;\n\t|\n}\n", "while (n) {\n\t\t--n;\n\t}\n\treturn n;\n}\n"), "while (n) {\n\t\t--n;\n\t}\n\treturn n;", "dedent");
}

TEST_CASE("a line that opens a block is completed up to the block's end") {
  check(run("int f() {|\n", "\n  return 1;\n}\nint g() {"), "\n  return 1;\n}", "block_end");
  check(run("def f():|\n", "\n    return 1\ndef g():"), "\n    return 1", "dedent");
  check(run("call(|", "\n    a,\n    b);\nnext"), "\n    a,\n    b);", "dedent");
  check(run("    f(|\n", "\n        a\n    )\n    g()"), "\n        a\n    )", "block_end");
  check(run("int f() {|}", "\n  return 1;\n}\n"), "\n  return 1;\n}", "block_end");
}

TEST_CASE("text behind the cursor keeps the completion on its line") {
  check(run("int f() {| // see below\n", "\n  return 1;\n}"), "", "line_end");
  check(run("    |return x;\n", "y = 1;\n    z = 2;"), "y = 1;", "line_end");
}

TEST_CASE("never and always override the choice") {
  check(run("int f() {|\n", " return 1; }\nint g", Multiline::kNever), " return 1; }", "line_end");
  check(run("x = |\n", "[\n    1,\n]\ny", Multiline::kAlways), "[\n    1,\n]\ny", "open");
  check(run("    x = |\n", "f(\n        1)\ny", Multiline::kAlways), "f(\n        1)", "dedent");
}

TEST_CASE("line ends and indentation wait for the line that they begin, and leave alone only where text of the cursor's line follows") {
  for (const std::string behind : {"", "}"}) {
    const std::string document = "def f():\n    ";
    StopRules rules(document + behind, document.size(), Multiline::kAuto);
    CHECK(rules.next("a", 1).n_held == 0);
    std::size_t n_held = 0;
    for (const char* blank : {"\n", " ", " ", " ", " "}) CHECK(rules.next(blank, 1).n_held == ++n_held);
    CHECK(rules.end(StopReason::kByteBudget).n_held == n_held);
    CHECK(rules.end(StopReason::kEnd).n_held == (behind.empty() ? n_held : 0));
    CHECK(rules.next("b", 1).n_held == 0);
  }
}

}  // namespace octet::tests

// Text that already stands behind the cursor is not written again. `|` is the cursor.
#include <array>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/decode/bracket_reader.h"
#include "engine/decode/emitter.h"
#include "engine/decode/text_rules.h"
#include "engine/model/open_runner.h"
#include "tests/support/forced_decoding.h"
#include "tests/support/golden.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::CompletionRequest;
using engine::Multiline;
using engine::StopReason;

CompletionRequest request_at(std::string document, Multiline multiline = Multiline::kAuto) {
  CompletionRequest request;
  request.cursor = document.find('|');
  document.erase(request.cursor, 1);
  request.document.text = std::make_shared<const std::string>(std::move(document));
  request.multiline = multiline;
  return request;
}

engine::DecodeOutcome outcome_of(const CompletionRequest& request, const std::string& written, std::size_t max_bytes = 1000) {
  ForcedDecoder decoder;
  ForcedChooser chooser(written);
  std::string streamed;
  auto outcome = decoder.decode(chooser, engine::make_text_rules(request), max_bytes, [&](std::string_view piece) { streamed += piece; });
  REQUIRE(streamed == outcome.text);
  return outcome;
}

/// What is shown of `written`, and `*` where the suffix was met.
std::string shown(const std::string& document, const std::string& written, Multiline multiline = Multiline::kAuto) {
  const auto outcome = outcome_of(request_at(document, multiline), written);
  return outcome.text + (outcome.stop_reason == StopReason::kSuffixMet ? "*" : "");
}

}  // namespace

TEST_CASE("a closer that stands behind the cursor is not written again") {
  CHECK(shown("foo(|)\n", "a, b)\n") == "a, b*");
  CHECK(shown("foo(|);\n", "a);") == "a*");
  CHECK(shown("x = [|]\n", "1, 2]") == "1, 2*");
  CHECK(shown("x = {|}\n", "'a': 1}", Multiline::kNever) == "'a': 1*");
  CHECK(shown("foo(|, b)\n", "a)\n") == "a*");
  CHECK(shown("print(f\"{|}\")\n", "name}\")") == "name*");
}

TEST_CASE("a bracket that the completion opened it may close") {
  CHECK(shown("f(|)\n", "g(x)") == "g(x)");
  CHECK(shown("f(|)\n", "g(x))\n") == "g(x)*");
  CHECK(shown("f(|)\n", "[g(x)[0], (1)]") == "[g(x)[0], (1)]");
  CHECK(shown("f(|)\n", "\":)\", a)\n") == "\":)\", a*");
}

TEST_CASE("a bracket that the cursor's line leaves open the completion may close") {
  CHECK(shown("f(g(|)\n", "x))\n") == "x)*");
  CHECK(shown("f(|\n", "x)\n") == "x)");
  CHECK(shown("f(\n    g(|\n)\n", "x)\n") == "x)");
  CHECK(shown("if (a && (|) {\n", "b)\n") == "b)");
  CHECK(shown("f([|)\n", "1]") == "1]");
}

TEST_CASE("a quote that ends behind the cursor is not written again") {
  CHECK(shown("x = \"|\"\n", "text\"\n") == "text*");
  CHECK(shown("x = \"|\"\n", "a \\\"b\\\" c\"\n") == "a \\\"b\\\" c*");
  CHECK(shown("x = '|';\n", "text';\n") == "text*");
  CHECK(shown("x = `|`\n", "text` + y\n") == "text*");
  CHECK(shown("f(\"|\", \"b\")\n", "a\", c)\n") == "a*");
  CHECK(shown("f(\"|, \"b\")\n", "a\"\n") == "a\"");
  CHECK(shown("\"\"\"|\"\"\"\n", "What it is.\"\"\"\n") == "What it is.*");
  CHECK(shown("x = '([^/|]+)';\n", "]+)'\n") == "*");
  CHECK(shown("x = '(|)';\n", "[a]|(b)|c)'\n") == "[a]|(b)|c*");
  CHECK(shown("// don't (|)\n", "stop)\n") == "stop*");
}

TEST_CASE("a closer at the start of the next line is not written again") {
  CHECK(shown("f(|\n)\n", "\n    a,\n)\n") == "\n    a,*");
  CHECK(shown("x = [\n    |\n]\n", "1,\n    2,\n]\n", Multiline::kAlways) == "1,\n    2,");  // a dedent
  CHECK(shown("int f() {\n  if (a) {|\n  }\n}\n", "\n    b();\n  }\n") == "\n    b();*");
  CHECK(shown("int f() {\n  if (a) {|\n}\n", "\n    b();\n  }\n") == "\n    b();\n  }");
  CHECK(shown("|\n}\n", "void g() {\n}\n") == "void g() {\n}");
}

TEST_CASE("the text of a block stands before its closing bracket, on a line of its own") {
  CHECK(shown("int f() {|}\n", "\n  return 1;\n}\n") == "\n  return 1;\n*");
}

TEST_CASE("the next line is not written again") {
  CHECK(shown("def f():\n    |\n    return a\n", "a = 1\n    return a\n") == "a = 1*");
  CHECK(shown("def f():\n    |\n    return a\n", "return a\n") == "*");
  CHECK(shown("def f():\n    |\n    return a\n", "return a") == "*");
  CHECK(shown("def f():\n    |\n\n    return a  \n", "b()\n    return a\t\n") == "b()*");
  CHECK(shown("def f():\r\n    |\r\n    return a\r\n", "b()\r\n    return a\r\n") == "b()*");
  CHECK(shown("def f():\n    |\n    return a\n", "b()\n    return a + 1\n") == "b()\n    return a + 1");
  CHECK(shown("if a:\n    |\nreturn b\n", "return b\n") == "return b");
  CHECK(shown("ret|\nreturn b\n", "urn b\n") == "urn b");
}

TEST_CASE("a word alone on its line may end what the completion began") {
  CHECK(shown("|\nend\n", "if a\n  b\nend\n") == "if a\n  b\nend");
  CHECK(shown("  |\n  break;\n", "f();\n  break;\n") == "f();*");
  CHECK(shown("    |\n    pass\n", "pass\n") == "*");
}

TEST_CASE("the rest of the cursor's line is not written again") {
  CHECK(shown("x = | + b\n", "a + b\n") == "a*");
  CHECK(shown("x = |a + b;\n", "2 * a + b;\n") == "2 * *");
  CHECK(shown("foo(|, b)\n", "a, b)\n") == "a*");
  CHECK(shown("foo(|, b)\n", "g(a, b)\n") == "g(a, b)");  // its bracket would stay open
  CHECK(shown("x = | + b\n", "a + b + c\n") == "a + b + c");
  CHECK(shown("x = |a\n", "a\n") == "a");  // one letter says nothing
  CHECK(shown("x = |;\n", "5;\n") == "5*");
  CHECK(shown("    |,\n", "a: 1,\n", Multiline::kNever) == "a: 1*");
  CHECK(shown("foo(|))\n", "g(h(y))") == "g(h(y))");
  CHECK(shown("  |return x;\n", "y = 1; return x;", Multiline::kNever) == "y = 1; *");
}

TEST_CASE("a space that stands behind the cursor is not written twice") {
  CHECK(shown("x =| y\n", " 1 + \n") == " 1 +");
  CHECK(shown("return| x\n", " \n") == "");
  CHECK(shown("f(a,| b)\n", " c,") == " c,");
}

TEST_CASE("raw completions know no suffix") {
  auto request = request_at("foo(|)\n");
  request.raw = true;
  CHECK(outcome_of(request, "a)\nfoo()").text == "a)\nfoo()");
}

TEST_CASE("of a completion that a budget cuts, what may be a repetition is given up") {
  CHECK(outcome_of(request_at("def f():\n    |\n    return abc\n"), "b()\n    return abc", 15).text == "b()");
  CHECK(outcome_of(request_at("def f():\n    |\n    return abc\n"), "b()\n    return x", 16).text == "b()\n    return x");
}

TEST_CASE("nothing is held but what may be a repetition") {
  const auto request = request_at("foo(|, bar)\n    return abc\n");
  ForcedDecoder decoder;
  std::string written;
  for (const char c : std::string("a + b, c")) {
    written += c;
    // The comma and the space begin the rest of the line.
    const std::string certain = written.ends_with(", ")  ? written.substr(0, written.size() - 2)
                                : written.ends_with(',') ? written.substr(0, written.size() - 1)
                                                         : written;
    std::string streamed;
    engine::TextRules rules = engine::make_text_rules(request);
    const std::function<void(std::string_view)> on_text = [&](std::string_view piece) { streamed += piece; };
    engine::Emitter emitter({rules, 100, false, on_text});
    for (const char byte : written) CHECK_FALSE(emitter.push({static_cast<std::uint8_t>(byte), 1}));
    CHECK(streamed == certain);
  }
}

TEST_CASE("a completion that met its suffix is what stands before a repetition, for random brackets and suffixes") {
  CHECK(rc::check("random text", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    static const std::string kPieces[] = {"a", "b", " ", "(", ")", "[", "]", "{", "}", "\"", "'", ", ", "\n", "\n  ", "f(", ";", "é"};
    const auto some = [&](std::size_t most) {
      std::string text;
      for (std::size_t n = random() % most; n > 0; --n) text += kPieces[random() % std::size(kPieces)];
      return text;
    };
    CompletionRequest request;
    const std::string before = some(8);
    request.document.text = std::make_shared<const std::string>(before + some(8));
    request.cursor = before.size();
    request.multiline = static_cast<Multiline>(random() % 3);
    const std::string written = some(16);
    const auto outcome = outcome_of(request, written);
    RC_ASSERT(written.starts_with(outcome.text));
    RC_ASSERT(outcome.stop_reason != StopReason::kSuffixMet || outcome.text.size() < written.size());
    // A closer right behind the cursor is never what the text ends with, if nothing in the text or on its line opened it.
    const std::string_view behind = request.document.view().substr(request.cursor);
    if (behind.empty() || outcome.text.empty() || before.find_first_of("([{\"'") != std::string::npos) return;
    const bool is_closer = std::string_view(")]}").find(behind.front()) != std::string_view::npos;
    if (is_closer && outcome.text.find_first_of("([{\"'") == std::string::npos)
      RC_ASSERT(outcome.text.find(behind.front()) == std::string::npos);
  }));
}

TEST_CASE("at cursors before closers in real code nothing is written that the next closer stands for") {
  std::vector<std::filesystem::path> files;
  for (const auto& path : source_files()) {
    if (path.parent_path().filename() == "samples") files.push_back(path);
  }
  REQUIRE(files.size() >= 6);
  engine::RunnerOptions options;
  options.model = model_path("default");
  auto model = engine::open_runner(options);
  REQUIRE(model.has_value());
  engine::Completer completer(std::move(model->runner));
  std::mt19937 random(7);
  std::size_t n_shown = 0;
  std::size_t n_met = 0;
  for (int i = 0; i < 150; ++i) {
    // Nothing was taken away: the file is balanced, and every closer that the text itself does not open is one too many.
    CompletionRequest request = random_request(files, random, 400, 200);
    const std::string_view text = request.document.view();
    request.cursor = text.find_first_of(")]}", request.cursor);
    if (request.cursor == std::string_view::npos) continue;
    request.limits.max_bytes = 48;
    const auto result = completer.complete(request, {}, {});
    n_shown += result.text.empty() ? 0 : 1;
    n_met += result.stop_reason == StopReason::kSuffixMet ? 1 : 0;
    const char closer = text[request.cursor];
    const char opener = closer == ')' ? '(' : closer == ']' ? '[' : '{';
    int depth = 0;
    for (const char c : result.text) {
      depth += c == opener ? 1 : c == closer ? -1 : 0;
      CAPTURE(request.document.path, text.substr(0, request.cursor), result.text, text.substr(request.cursor));
      REQUIRE(depth >= 0);
    }
  }
  CAPTURE(n_shown, n_met);
  CHECK(n_shown > 25);
  CHECK(n_met > 25);
}

}  // namespace octet::tests

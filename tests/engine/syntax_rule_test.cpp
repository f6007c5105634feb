// Completions leave the document as well formed as it was. `|` is the cursor.
#include <algorithm>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "engine/decode/emitter.h"
#include "engine/decode/syntax_rule.h"
#include "engine/decode/text_rules.h"
#include "engine/syntax/syntax_tree.h"
#include "engine/syntax/written_text.h"
#include "tests/support/forced_decoding.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::CompletionRequest;
using engine::StopReason;
using engine::SyntaxTree;

/// A document with its tree, and the cursor in it.
struct Document {
  CompletionRequest request;
  SyntaxTree tree;

  Document(const std::string& language, std::string text, std::size_t cursor) : tree(*engine::find_language(language, "")) {
    request.cursor = cursor;
    request.document.text = std::make_shared<const std::string>(std::move(text));
    REQUIRE(tree.update(request.document.text, [] { return false; }));
  }
  static Document at_bar(const std::string& language, std::string text) {
    const std::size_t cursor = text.find('|');
    text.erase(cursor, 1);
    return {language, std::move(text), cursor};
  }

  engine::DecodeOutcome write(const std::string& written, std::size_t max_bytes = 1000) const {
    ForcedDecoder decoder;
    ForcedChooser chooser(written);
    std::string streamed;
    auto outcome =
        decoder.decode(chooser, engine::make_text_rules(request, &tree), max_bytes, [&](std::string_view piece) { streamed += piece; });
    REQUIRE(streamed == outcome.text);
    return outcome;
  }
  std::size_t n_errors(std::string_view written) const { return engine::WrittenText(tree, request.cursor).n_errors(written).value(); }
};

std::string shown(const std::string& language, const std::string& document, const std::string& written, std::size_t max_bytes = 1000) {
  return Document::at_bar(language, document).write(written, max_bytes).text;
}

}  // namespace

TEST_CASE("what a budget cuts in the middle ends where the grammar has a whole") {
  CHECK(shown("python", "x = 1\nself.|\n", "push(a, b[1", 11) == "push");
  CHECK(shown("python", "x = 1\ny = x|\n", " + foo(", 7) == " + foo");
  CHECK(shown("python", "total = |\n", "price * ", 8) == "price");
  CHECK(shown("javascript", "const a = f|\n", "oo(1).bar(function () {", 23) == "oo(1).bar");
  CHECK(shown("go", "package p\n\nfunc f() {\n\ta := |\n}\n", "g(1, h(2", 8) == "g");
  CHECK(shown("rust", "fn f() {\n    let a = |;\n}\n", "Some(b.", 7) == "Some");
  CHECK(shown("java", "class A {\n  int f() {\n    return |;\n  }\n}\n", "g(a[0]).h[", 10) == "g(a[0]).h");
  CHECK(shown("c", "int f(void) {\n  return |;\n}\n", "g(a, sizeof(", 12) == "g");
}

TEST_CASE("what is whole is shown whole") {
  for (const char* line : {"push(a, b[1])", "x if y else z", "\"text\"", "[1, 2, 3]", "not a", "f(\"(\")"}) {
    CHECK(shown("python", "a = |\n", std::string(line) + "\n") == line);
  }
  CHECK(shown("cpp", "int f() {\n  |\n}\n", "for (int i = 0; i < 3; ++i) {\n    g(i);\n  }\n}") ==
        "for (int i = 0; i < 3; ++i) {\n    g(i);\n  }");
  CHECK(shown("typescript", "const f = (a: number): |\n", "string => {\n  return `${a}`;\n};") == "string => {\n  return `${a}`;\n};");
}

TEST_CASE("a completion that stays broken is not shown, and says why") {
  const Document document = Document::at_bar("python", "a = 1\n|\n");
  const auto outcome = document.write("if (((", 6);
  CHECK(outcome.text.empty());
  CHECK(outcome.stop_reason == StopReason::kSyntax);
  CHECK(document.write("b = 2").stop_reason == StopReason::kEnd);
}

TEST_CASE("a document that was broken before may stay so") {
  CHECK(shown("python", "def (:\n\n\ndef g():\n    x = |\n", "1 + 2") == "1 + 2");
  CHECK(shown("cpp", "int f( {\n}\nint g() {\n  return |\n}\n", "h(1);") == "h(1);");
  CHECK(shown("go", "package p\n\nfunc (\n\nfunc f() {\n\ta := |\n}\n", "g(1)") == "g(1)");
}

TEST_CASE("what the first line mended is not broken again by the next") {
  CHECK(shown("cpp", "class A {\n  |\n  }\n};\n", "int f() {\n    return 1;\n  }") == "int f() {\n    return 1;");
}

TEST_CASE("where a completion that was not sure enough ends earlier, it says that it was not sure") {
  Document document = Document::at_bar("python", "x = |\n");
  document.request.limits.min_confidence = 0.5;
  ForcedDecoder decoder;
  ForcedChooser chooser("foo(bar)", {1, 1, 1, 1, 0.1F, 1, 1, 1});
  const auto outcome = decoder.decode(chooser, engine::make_text_rules(document.request, &document.tree), 100, [](std::string_view) {});
  CHECK(outcome.text == "foo");
  CHECK(outcome.stop_reason == StopReason::kLowConfidence);
}

TEST_CASE("in comments and strings a colon at the end opens no block") {
  CHECK(shown("python", "def f():\n    # as follows:|\n    g()\n", "\n        more") == "");
  CHECK(shown("python", "x = 'a:|'\n", "\n    b").empty());
  CHECK(shown("cpp", "// note {|\nint a;\n", "\n  b").empty());
  CHECK(shown("python", "def f():|\n", "\n    return 1\nx") == "\n    return 1");
}

TEST_CASE("whole lines leave while the next ones are written, and long ones in parts") {
  const Document document = Document::at_bar("cpp", "void f() {\n  |\n}\n");
  const auto n_left = [&](const std::string& written) {
    std::size_t n = 0;
    const engine::TextRules rules = engine::make_text_rules(document.request, &document.tree);
    const std::function<void(std::string_view)> on_text = [&](std::string_view piece) { n += piece.size(); };
    engine::Emitter emitter({rules, 1000, false, on_text});
    for (const char c : written) REQUIRE_FALSE(emitter.push({static_cast<std::uint8_t>(c), 1}));
    return n;
  };
  CHECK(n_left("int a = 1;\n  int b") == 10);
  std::string line;
  while (line.size() < 3 * engine::SyntaxRule::kLookBytes) line += "a += b; ";
  CHECK(n_left(line) >= engine::SyntaxRule::kLookBytes);
}

TEST_CASE("whatever is written into real files at random, no more of it shows than keeps the grammar") {
  const auto files = source_files();
  std::size_t n_cut = 0;
  CHECK(rc::check("random pieces of code", [&](std::uint32_t seed) {
    std::mt19937 random(seed);
    const CompletionRequest place = random_request(files, random, 1500, 700);
    const CompletionRequest donor = random_request(files, random, 300, 300);
    const auto* language = engine::find_language("", place.document.path);
    RC_PRE(language != nullptr);
    const Document document(std::string(language->name), std::string(place.document.view()), place.cursor);
    const std::string written(donor.document.view());
    const auto outcome = document.write(written, 1 + random() % 300);
    RC_ASSERT(std::string_view(written).starts_with(outcome.text) || outcome.text.find('\r') != std::string::npos);
    RC_ASSERT(document.n_errors(outcome.text) <= document.n_errors(""));
    n_cut += outcome.stop_reason == StopReason::kSyntax ? 1 : 0;
  }));
  CHECK(n_cut > 10);
}

}  // namespace octet::tests

// The prompt: its form, its limits, what it keeps out, and how still it stands while a user types.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "bytemodel/control_bytes.h"
#include "engine/context/prompt_builder.h"
#include "engine/stage_times.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::build_prompt;

/// The default model's context without what a completion reserves of it.
constexpr std::size_t kBudget = 768;

std::string prompt_of(const std::string& path, const std::string& text, std::size_t cursor, std::size_t budget = kBudget) {
  engine::DocumentSnapshot document;
  document.path = path;
  document.text = std::make_shared<const std::string>(text);
  const auto bytes = build_prompt(document, cursor, budget);
  return std::string(bytes.begin(), bytes.end());
}

std::string random_text(std::mt19937& random, std::size_t n_bytes) {
  static const std::string kPieces[] = {"int x = 0;", "\n", "    ", "return", "é", "中", "😀", "{", "}", "\r\n", "\t", "name_1"};
  std::string text;
  while (text.size() < n_bytes) text += kPieces[random() % std::size(kPieces)];
  return text;
}

std::size_t common_prefix(const std::string& a, const std::string& b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::string without_controls(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return is_control_byte(static_cast<std::uint8_t>(c)); }, '?');
  return out;
}

/// Where the suffix begins: behind up to 16 closers at the cursor.
std::size_t suffix_of(std::string_view text, std::size_t cursor) {
  const std::string_view behind = text.substr(cursor, 16);
  return cursor + std::min(behind.find_first_not_of(")]}\"'`"), behind.size());
}

/// What keeps `prompt` from being one of `text` at `cursor`; empty where nothing does.
std::string flaw(std::string_view prompt, std::string_view text, std::size_t cursor, std::size_t budget) {
  if (prompt.size() > budget) return "beyond the budget";
  const std::size_t line_end = prompt.find('\n');
  if (!prompt.starts_with('\xFE') || line_end == std::string_view::npos) return "no path";
  const std::size_t prefix = prompt.find('\xFC', line_end);
  if (prefix == std::string_view::npos) return "no prefix";
  const std::string_view before = prompt.substr(prefix + 1);
  if (without_controls(text.substr(cursor - std::min(cursor, before.size()), before.size())) != before) return "another text before";
  if (cursor > 0 && before.empty()) return "nothing of the text before";
  std::string_view behind = prompt.substr(line_end + 1, prefix - line_end - 1);
  const std::size_t suffix = suffix_of(text, cursor);
  if (behind.empty() != (suffix == text.size())) return "a suffix where there is none, or none where there is one";
  if (!behind.empty() && behind.front() != '\xFD') return "no symbol before the suffix";
  if (!behind.empty()) behind.remove_prefix(1);
  if (without_controls(text.substr(suffix, behind.size())) != behind) return "another text behind";
  const std::string_view path = prompt.substr(1, line_end - 1);
  return without_controls(path) == path ? "" : "a control symbol in the path";
}

}  // namespace

TEST_CASE("a short document stands whole in the prompt, the suffix first") {
  CHECK(prompt_of("src/app/main.py", "ab", 1) ==
        "\xFE"
        "app/main.py\n\xFD"
        "b\xFC"
        "a");
  CHECK(prompt_of("main.py", "ab", 2) ==
        "\xFE"
        "main.py\n\xFC"
        "ab");
  CHECK(prompt_of("/x.c", "", 0) ==
        "\xFE"
        "/x.c\n\xFC");
  CHECK(prompt_of("a\nb.c", "", 0) ==
        "\xFE"
        "a?b.c\n\xFC");
}

TEST_CASE("closers that an editor writes with the opener do not change the suffix") {
  const std::string suffix = "\xFD;\n\xFC";
  for (const std::string closers : {"", ")", "\")", "])}", "'", "`"})
    CHECK_THAT(prompt_of("a.c", "f(" + closers + ";\n", 2), Catch::Contains(suffix));
  CHECK_THAT(prompt_of("a.c", "f( );\n", 2), Catch::Contains("\xFD );\n\xFC"));
  CHECK(prompt_of("a.c", "f()", 2) ==
        "\xFE"
        "a.c\n\xFC"
        "f(");
}

TEST_CASE("a document cannot forge a control symbol") {
  std::string every_byte;
  for (int byte = 0; byte < 256; ++byte) every_byte.push_back(static_cast<char>(byte));
  const std::string prompt = prompt_of("\xFE/\xFB", every_byte + every_byte, 256);
  std::string controls;
  for (const char c : prompt) {
    if (is_control_byte(static_cast<std::uint8_t>(c))) controls.push_back(c);
  }
  CHECK(controls == "\xFE\xFD\xFC");
}

TEST_CASE("the prompt keeps its budget and cuts no character") {
  CHECK(rc::check("random documents, cursors and budgets", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    const std::string text = random_text(random, random() % 4000);
    std::size_t cursor = random() % (text.size() + 1);
    while (cursor < text.size() && (text[cursor] & 0xC0) == 0x80) ++cursor;
    const std::size_t budget = engine::kMinPromptBudget + random() % 1000;
    const std::string prompt = prompt_of(random_text(random, random() % 100), text, cursor, budget);
    RC_ASSERT(prompt.size() <= budget);

    const std::size_t prefix = prompt.find('\xFC') + 1;
    RC_ASSERT(text.substr(0, cursor).ends_with(prompt.substr(prefix)));
    RC_ASSERT(prefix == prompt.size() || (prompt[prefix] & 0xC0) != 0x80);
    const std::size_t suffix = prompt.find('\xFD');
    if (suffix != std::string::npos) {
      const std::string shown = prompt.substr(suffix + 1, prefix - suffix - 2);
      RC_ASSERT(text.substr(suffix_of(text, cursor)).starts_with(shown));
      const std::size_t end = suffix_of(text, cursor) + shown.size();
      RC_ASSERT(end == text.size() || (text[end] & 0xC0) != 0x80);
    }
  }));
}

TEST_CASE("whatever bytes a document consists of, its prompt has the form") {
  CHECK(rc::check("any bytes, any cursor", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    // Either bytes of all kinds, or few kinds, so that line ends, control bytes and halves of characters stand close together.
    static constexpr std::string_view kFew = "\n\r\xC3\xE4\xB8\xAD\xF0\x9F\x80\xFE\xFDx";
    const bool is_few = random() % 2 == 0;
    std::string text(random() % 3000, 0);
    for (char& c : text) c = is_few ? kFew[random() % kFew.size()] : static_cast<char>(random());
    std::string path(random() % 100, 0);
    for (char& c : path) c = static_cast<char>(random());
    const std::size_t budget = engine::kMinPromptBudget + random() % 1000;
    const std::size_t cursor = random() % (text.size() + 1);
    RC_ASSERT(flaw(prompt_of(path, text, cursor, budget), text, cursor, budget) == "");
  }));
}

TEST_CASE("sources cut off anywhere have prompts of the form") {
  std::mt19937 random(5);
  for (const auto& path : source_files()) {
    std::ifstream in(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(in), {});
    text.resize(random() % (text.size() + 1));
    for (int i = 0; i < 20; ++i) {
      const std::size_t cursor = i == 0 ? text.size() : random() % (text.size() + 1);
      CAPTURE(path, text.size(), cursor);
      REQUIRE(flaw(prompt_of(path.string(), text, cursor), text, cursor, kBudget) == "");
    }
  }
}

TEST_CASE("a prompt costs what its budget is, in lines of ten megabytes and brackets five million deep as well") {
  constexpr std::size_t kShort = 4 << 10;
  constexpr std::size_t kLong = 10 << 20;
  std::mt19937 random(3);
  const auto check_prompts_ms = [&](const std::string& text) {
    engine::DocumentSnapshot document;
    document.path = "a/b.c";
    document.text = std::make_shared<const std::string>(text);
    const engine::Stopwatch stopwatch;
    std::string found;
    for (int i = 0; i < 2000 && found.empty(); ++i) {
      const std::size_t cursor = kBudget + random() % (text.size() - 2 * kBudget);
      const auto prompt = build_prompt(document, cursor, kBudget);
      found = flaw(std::string(prompt.begin(), prompt.end()), text, cursor, kBudget);
    }
    CHECK(found == "");
    return stopwatch.elapsed_ms();
  };
  const auto text_of = [](std::string_view unit, std::size_t n_bytes) {
    std::string text;
    while (text.size() < n_bytes) text += unit;
    return text;
  };
  for (const std::string_view unit : {"a", "中", "\n", "\x80", "\xFE"}) {
    // Looking once through the long text would make it a thousand times.
    CAPTURE(unit);
    CHECK(check_prompts_ms(text_of(unit, kLong)) < 50 * check_prompts_ms(text_of(unit, kShort)));
  }
  const double deep = check_prompts_ms(std::string(kLong / 2, '(') + std::string(kLong / 2, ')'));
  CHECK(deep < 50 * check_prompts_ms(std::string(kShort / 2, '(') + std::string(kShort / 2, ')')));
}

TEST_CASE("while a user types, the prompt grows at its end for 95 of 100 keys") {
  std::mt19937 random(7);
  for (const std::size_t start : {std::size_t{0}, std::size_t{300}, std::size_t{5000}}) {
    std::string text = random_text(random, 6000);
    std::size_t cursor = start;
    while ((text[cursor] & 0xC0) == 0x80) ++cursor;
    std::string before = prompt_of("a/b.c", text, cursor);
    int grown = 0;
    constexpr int kKeys = 1000;
    for (int i = 0; i < kKeys; ++i) {
      text.insert(cursor++, 1, static_cast<char>('a' + i % 26));
      const std::string now = prompt_of("a/b.c", text, cursor);
      grown += common_prefix(before, now) == before.size() && now.size() == before.size() + 1 ? 1 : 0;
      before = now;
    }
    CAPTURE(start);
    CHECK(grown >= kKeys * 95 / 100);
  }
}

TEST_CASE("a long document's prefix keeps at least three quarters of its share") {
  const std::string text(20000, 'a');
  for (std::size_t cursor = 2000; cursor < 4000; ++cursor) {
    const std::string prompt = prompt_of("a.c", text, cursor, 768);
    const std::size_t prefix_bytes = prompt.size() - prompt.find('\xFC') - 1;
    REQUIRE(prefix_bytes >= 768 * 9 / 16 - 20);
  }
}

}  // namespace octet::tests

// The prompt: its form, its limits, what it keeps out, and how still it stands while a user types.
#include <algorithm>
#include <random>
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "bytemodel/control_bytes.h"
#include "engine/context/prompt_builder.h"

namespace octet::tests {
namespace {

using engine::build_prompt;

std::string prompt_of(const std::string& path, const std::string& text, std::size_t cursor, std::size_t budget = 768) {
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
      RC_ASSERT(text.substr(cursor).starts_with(shown));
      const std::size_t end = cursor + shown.size();
      RC_ASSERT(end == text.size() || (text[end] & 0xC0) != 0x80);
    }
  }));
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

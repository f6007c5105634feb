// The simulated person who types with suggestions: what they write, which keys that takes, and what they read.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "benchmarks/quality/typing_user.h"

namespace octet::tests {
namespace {

using benchmarks::first_word;
using benchmarks::type_text;
using benchmarks::Typing;

constexpr std::string_view kProgram =
    "def greet(name):\n"
    "    if name:\n"
    "        print('Grüße,', name)\n"
    "\n"
    "    return name\n";

/// Text such as programs consist of, and some that is not.
rc::Gen<std::string> any_text() {
  const auto pieces = rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(
      std::vector<std::string>{"a", "bc", "_1", " ", "  ", "\t", "\n", "\r\n", "\n    ", "(", ")", "::", "ü", "→", "\x80"}));
  return rc::gen::map(pieces, [](const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) text += part;
    return text;
  });
}

Typing type(std::string_view text, const benchmarks::Suggest& suggest) {
  Typing typing;
  RC_ASSERT(type_text(text, suggest, typing) == text);
  return typing;
}

}  // namespace

TEST_CASE("a key writes a character, or a line's end with the indentation behind it") {
  CHECK(benchmarks::count_keys("") == 0);
  CHECK(benchmarks::count_keys("ab c") == 4);
  CHECK(benchmarks::count_keys("ü→") == 2);
  CHECK(benchmarks::count_keys("a\n    b") == 3);
  CHECK(benchmarks::count_keys("a\r\n\t\tb") == 3);
  CHECK(benchmarks::count_keys("a\n\n  b") == 4);
  CHECK(benchmarks::count_keys("    b") == 2);
  CHECK(benchmarks::count_keys("a    b") == 6);
}

TEST_CASE("words are what editors take at once") {
  CHECK(first_word("name)") == "name");
  CHECK(first_word("  name)") == "  name");
  CHECK(first_word("(name)") == "(");
  CHECK(first_word(" += 1") == " +=");
  CHECK(first_word("\n  ") == "\n  ");
  CHECK(first_word("") == "");
}

TEST_CASE("whatever is suggested, the person writes what they wanted, with no key more than without") {
  REQUIRE(rc::check([] {
    const auto text = *any_text();
    const auto typing = type(text, [&](std::string_view written) {
      RC_ASSERT(written == text.substr(0, written.size()));
      // The truth for a while, then anything: right, half right and wrong ones.
      const auto n_right = *rc::gen::inRange<std::size_t>(0, text.size() - written.size() + 1);
      return text.substr(written.size(), n_right) + (*rc::gen::arbitrary<bool>() ? *any_text() : "");
    });
    RC_ASSERT(typing.bytes == text.size());
    RC_ASSERT(typing.keys_without == benchmarks::count_keys(text));
    RC_ASSERT(typing.keys() + typing.accepted_whole + typing.accepted_partly <= typing.keys_without);
    RC_ASSERT(typing.accepted_bytes <= text.size());
    RC_ASSERT(typing.accepted_whole + typing.accepted_partly <= typing.suggestions);
    RC_ASSERT(typing.right_characters <= typing.read_characters);
    RC_ASSERT(typing.read_characters <= typing.shown_characters);
  }));
}

TEST_CASE("keys and accepted bytes make up the text") {
  REQUIRE(rc::check([] {
    const auto text = *any_text();
    std::size_t n_at = 0;
    std::size_t n_bytes_of_keys = 0;
    const auto typing = type(text, [&](std::string_view written) {
      n_at = written.size();
      return text.substr(n_at, *rc::gen::inRange<std::size_t>(0, 6));
    });
    // Typed keys write what was not accepted: each at least one byte.
    n_bytes_of_keys = text.size() - typing.accepted_bytes;
    RC_ASSERT(typing.typed_keys <= n_bytes_of_keys);
    RC_ASSERT((typing.typed_keys == 0) == (n_bytes_of_keys == 0));
  }));
}

TEST_CASE("an oracle saves nearly all keys") {
  const auto typing = type(kProgram, [](std::string_view written) { return std::string(kProgram.substr(written.size())); });
  CHECK(typing.keys() == 1);
  CHECK(typing.accepted_whole == 1);
  CHECK(typing.suggestions == 1);
  CHECK(typing.right_characters == typing.shown_characters);
  CHECK(typing.keys_saved() > 0.98);
  CHECK(typing.time_saved() > 0);
}

TEST_CASE("who is never right saves no key and costs time") {
  const auto typing = type(kProgram, [](std::string_view) { return "~ never ~"; });
  CHECK(typing.keys() == typing.keys_without);
  CHECK(typing.accept_keys == 0);
  CHECK(typing.keys_saved() == 0);
  CHECK(typing.right_characters == 0);
  CHECK(typing.suggestions == typing.keys_without);
  CHECK(typing.time_saved() < 0);
  CHECK(typing.break_even_ms() == 0);
}

TEST_CASE("without suggestions nothing is saved and nothing read") {
  const auto typing = type(kProgram, [](std::string_view) { return ""; });
  CHECK(typing.keys() == typing.keys_without);
  CHECK(typing.attention_s() == 0);
  CHECK(typing.time_saved() == 0);
}

TEST_CASE("a suggestion is read once, up to the first wrong word") {
  // Its rest stays to be seen while it is typed along; "value" does not begin as wanted, so nothing is taken.
  const std::string text = "a = b";
  const auto typing = type(text, [&](std::string_view written) { return std::string("a = value + other").substr(written.size()); });
  CHECK(typing.suggestions == 1);
  CHECK(typing.shown_characters == 17);
  CHECK(typing.right_characters == 4);
  CHECK(typing.read_characters == 9);
  CHECK(typing.attention_s() == Approx((benchmarks::kNoticeMs + 9 * benchmarks::kReadMs) / 1e3));
}

TEST_CASE("the beginning of a suggestion is taken by words as far as that saves keys") {
  const std::string text = "return first_value;";
  const auto typing = type(text, [&](std::string_view written) {
    return written.empty() ? "return first_value + second;" : std::string(" + second;").substr(0, written.size() == 18 ? 10 : 0);
  });
  CHECK(typing.accepted_partly == 1);
  CHECK(typing.accepted_whole == 0);
  CHECK(typing.accept_keys == 2);
  CHECK(typing.typed_keys == 1);
  CHECK(typing.accepted_bytes == 18);
  CHECK(typing.suggestions == 1);
}

TEST_CASE("what saves no key is typed") {
  const auto one_key = type("x\n    y", [](std::string_view written) { return written == "x" ? "\n    " : ""; });
  CHECK(one_key.accept_keys == 0);
  CHECK(one_key.right_characters == 5);
  const auto by_signs = type("a(b)", [](std::string_view written) { return std::string("a(b}").substr(written.size()); });
  CHECK(by_signs.accept_keys == 0);
}

TEST_CASE("the time model counts keys, looks and characters") {
  Typing typing;
  typing.keys_without = 100;
  typing.typed_keys = 40;
  typing.accept_keys = 10;
  typing.suggestions = 20;
  typing.read_characters = 60;
  CHECK(typing.keys_saved() == Approx(0.5));
  CHECK(typing.attention_s() == Approx((20 * benchmarks::kNoticeMs + 60 * benchmarks::kReadMs) / 1e3));
  CHECK(typing.time_saved() == Approx(0.5 - typing.attention_s() / typing.time_without_s()));
  CHECK(typing.break_even_ms() == Approx(50 * benchmarks::kKeyMs / 20));
}

}  // namespace octet::tests

// Where completions are judged: rests of lines, blocks, passages.
#include <random>
#include <string>
#include <string_view>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "benchmarks/quality/places.h"

namespace octet::tests {
namespace {

using benchmarks::block_at;
using benchmarks::Gap;

std::string block(std::string_view text, std::string_view before) { return block_at(text, text.find(before) + before.size()).truth(text); }

}  // namespace

TEST_CASE("a block ends before a blank line, before one that is indented less, and after eight lines") {
  CHECK(block("if a:\n    b\n    c\n\nd\n", "if") == " a:\n    b\n    c");
  CHECK(block("{\n  one(\n    two);\n  three\n}\n", "one") == "(\n    two);\n  three");
  CHECK(block("a\r\nb\r\n\r\n", "a") == "\r\nb");
  CHECK(block("last", "la") == "st");
  CHECK(block("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1") == "\n2\n3\n4\n5\n6\n7\n8");
}

TEST_CASE("a gap and what is around it make up the text") {
  const Gap gap{2, 5};
  CHECK(gap.truth("abcdefg") == "cde");
  CHECK(gap.rest("abcdefg") == "abfg");
}

TEST_CASE("passages are whole lines from the first character that is not blank") {
  REQUIRE(rc::check([](std::uint64_t seed) {
    const std::string text = "\n  one\n\n    two three\n  four\r\n\t\nfive\n";
    std::mt19937_64 random(seed);
    const auto n_bytes = *rc::gen::inRange<std::size_t>(1, 60);
    const Gap gap = benchmarks::random_passage(text, n_bytes, random);
    if (gap.is_empty()) return;
    RC_ASSERT(text.substr(text.rfind('\n', gap.begin) + 1, gap.begin - text.rfind('\n', gap.begin) - 1).find_first_not_of(" \t") ==
              std::string::npos);
    RC_ASSERT(std::string_view(" \t\r\n").find(text[gap.begin]) == std::string_view::npos);
    RC_ASSERT(gap.end == text.size() || text[gap.end] == '\n' || text.compare(gap.end, 2, "\r\n") == 0);
    RC_ASSERT(gap.end - gap.begin + 2 >= std::min(n_bytes, text.size() - gap.begin));
    std::mt19937_64 again(seed);
    RC_ASSERT(benchmarks::random_passage(text, n_bytes, again).begin == gap.begin);
  }));
}

TEST_CASE("rests of lines have three bytes or more and begin with a character") {
  const std::string text = "ab\nüü cd\nefgh\n";
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const Gap gap = benchmarks::random_line_rest(text, random);
    REQUIRE(gap.end - gap.begin >= 3);
    CHECK(text[gap.end] == '\n');
    CHECK((static_cast<unsigned char>(text[gap.begin]) & 0xC0) != 0x80);
  }
  CHECK(benchmarks::random_line_rest("a\nb\n", random).is_empty());
}

TEST_CASE("open brackets and quotes are closed in their order") {
  CHECK(benchmarks::closers_of("f(a[i], {") == "})");
  CHECK(benchmarks::closers_of("f('(") == "')");
  CHECK(benchmarks::closers_of("f(a)").empty());
}

}  // namespace octet::tests

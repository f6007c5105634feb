// Edit similarity: known distances, and what holds for all texts.
#include <algorithm>
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "benchmarks/quality/similarity.h"

namespace octet::tests {

using benchmarks::edit_similarity;

TEST_CASE("edit similarity of texts whose distance is known") {
  CHECK(edit_similarity("", "") == 1);
  CHECK(edit_similarity("same", "same") == 1);
  CHECK(edit_similarity("", "abc") == 0);
  CHECK(edit_similarity("kitten", "sitting") == Approx(1 - 3.0 / 7));
  CHECK(edit_similarity("flaw", "lawn") == Approx(1 - 2.0 / 4));
  CHECK(edit_similarity("intention", "execution") == Approx(1 - 5.0 / 9));
}

TEST_CASE("edit similarity counts characters, not bytes") {
  CHECK(edit_similarity("Grüße", "Gruße") == Approx(1 - 1.0 / 5));
  CHECK(edit_similarity("→", "a") == 0);
  CHECK(edit_similarity("\x80\xE2", "\x80") == Approx(0.5));
}

TEST_CASE("edit similarity is symmetric, in 0 to 1, and 1 for equal texts alone") {
  REQUIRE(rc::check([](const std::string& a, const std::string& b) {
    const double similarity = edit_similarity(a, b);
    RC_ASSERT(similarity == edit_similarity(b, a));
    RC_ASSERT(similarity >= 0);
    RC_ASSERT(similarity <= 1);
    RC_ASSERT((similarity == 1) == (a == b));
  }));
}

TEST_CASE("one change costs one edit") {
  REQUIRE(rc::check([](std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    RC_PRE(!text.empty());
    const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    std::string shorter = text;
    shorter.erase(at, 1);
    const double n = static_cast<double>(text.size());
    RC_ASSERT(std::abs(edit_similarity(text, shorter) - (1 - 1 / n)) < 1e-9);
  }));
}

}  // namespace octet::tests

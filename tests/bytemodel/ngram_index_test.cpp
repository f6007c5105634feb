// The row of an n-gram against a second implementation that follows the words of FORMAT.md step by step, in wide integers.
#include "bytemodel/ngram_index.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace octet::tests {
namespace {

using bytemodel::ngram_index;
using Bytes = std::vector<std::uint8_t>;

/// s = 2166136261 xor n; for each of the last n bytes, oldest first: s = (s xor v) * 16777619 mod 2^32 with v = byte + 1, or
/// 0 for a position before the start; s ^= s >> 16; the row is s mod n_rows.
std::uint64_t row_by_the_book(const Bytes& x, std::uint64_t n, std::uint64_t n_rows) {
  const std::uint64_t modulus = 1ULL << 32;
  std::vector<std::uint64_t> values;
  for (std::uint64_t i = 0; i < n; ++i) {
    const std::int64_t position = static_cast<std::int64_t>(x.size()) - static_cast<std::int64_t>(n) + static_cast<std::int64_t>(i);
    values.push_back(position < 0 ? 0 : std::uint64_t{x[static_cast<std::size_t>(position)]} + 1);
  }
  std::uint64_t s = 2166136261ULL ^ n;
  for (const std::uint64_t v : values) s = ((s ^ v) * 16777619ULL) % modulus;
  s ^= s / 65536;
  return s % n_rows;
}

}  // namespace

TEST_CASE("rows of n-grams are those of the format's description") {
  CHECK(rc::check("any history, order and table size", [] {
    const auto history = *rc::gen::container<Bytes>(*rc::gen::inRange<std::size_t>(0, 50), rc::gen::arbitrary<std::uint8_t>());
    const auto order = *rc::gen::inRange(1, 33);
    const auto rows = 1U << *rc::gen::inRange(0, 25);
    RC_CLASSIFY(history.size() < static_cast<std::size_t>(order), "history shorter than the order");
    RC_ASSERT(ngram_index(history, order, rows) == row_by_the_book(history, static_cast<std::uint64_t>(order), rows));
  }));
}

TEST_CASE("a short history is padded with a value that no byte has") {
  for (int order = 1; order <= 8; ++order) {
    for (std::size_t length = 0; length <= 10; ++length) {
      for (const std::uint8_t byte : Bytes{0x00, 0x01, 0x7F, 0xFE, 0xFF}) {
        CAPTURE(order, length, static_cast<int>(byte));
        const Bytes history(length, byte);
        CHECK(ngram_index(history, order, 1U << 24) == row_by_the_book(history, static_cast<std::uint64_t>(order), 1U << 24));
      }
    }
  }
  // A NUL in front of the text is another history than no text in front of it.
  CHECK(ngram_index(Bytes{0, 'a'}, 2, 1U << 24) != ngram_index(Bytes{'a'}, 2, 1U << 24));
}

TEST_CASE("only the last bytes count, and the order is part of the hash") {
  CHECK(rc::check("bytes further back do not matter", [] {
    const auto order = *rc::gen::inRange(1, 17);
    const auto tail = *rc::gen::container<Bytes>(static_cast<std::size_t>(order), rc::gen::arbitrary<std::uint8_t>());
    auto longer = *rc::gen::arbitrary<Bytes>();
    longer.insert(longer.end(), tail.begin(), tail.end());
    RC_ASSERT(ngram_index(longer, order, 1U << 20) == ngram_index(tail, order, 1U << 20));
  }));
  CHECK(ngram_index(Bytes{}, 1, 1U << 24) != ngram_index(Bytes{}, 2, 1U << 24));
}

TEST_CASE("a table of one row has only row 0, and a row is below the size of its table") {
  CHECK(rc::check("row < n_rows, and smaller tables see the low bits", [] {
    const auto history = *rc::gen::arbitrary<Bytes>();
    const auto order = *rc::gen::inRange(1, 7);
    const auto bits = *rc::gen::inRange(0, 24);
    const std::uint32_t row = ngram_index(history, order, 1U << bits);
    RC_ASSERT(row < (1U << bits));
    RC_ASSERT((ngram_index(history, order, 2U << bits) & ((1U << bits) - 1)) == row);
    RC_ASSERT(ngram_index(history, order, 1) == 0U);
  }));
}

TEST_CASE("rows worked out by hand") {
  // ((2166136261 ^ 1) ^ ('a' + 1)) * 16777619 mod 2^32, then the fold.
  constexpr std::uint32_t kHash = ((2166136261U ^ 1U) ^ 98U) * 16777619U;
  static_assert(ngram_index(std::span<const std::uint8_t>(), 1, 1) == 0);
  CHECK(ngram_index(Bytes{'a'}, 1, 1U << 16) == ((kHash ^ (kHash >> 16)) & 0xFFFFU));
}

TEST_CASE("the tail of a history is what the longest order reads, whatever the orders' order") {
  const std::vector<std::uint8_t> history{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  const auto tail = [&](std::size_t n, const std::vector<int>& orders) {
    const auto found = bytemodel::ngram_tail(std::span(history).first(n), orders);
    return std::vector<std::uint8_t>(found.begin(), found.end());
  };
  CHECK(tail(10, {3, 4, 8}) == std::vector<std::uint8_t>{3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(tail(10, {8, 3}) == std::vector<std::uint8_t>{3, 4, 5, 6, 7, 8, 9, 10});
  CHECK(tail(2, {8, 3}) == std::vector<std::uint8_t>{1, 2});
  CHECK(tail(10, {}) == std::vector<std::uint8_t>{10});
}

}  // namespace octet::tests

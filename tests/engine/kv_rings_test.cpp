// Which positions a ring still has, against a record of what was written where.
#include "engine/model/kv_rings.h"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace octet::tests {

using engine::KvRings;

TEST_CASE("a ring has what reusable() says, and can be cut back by a batch and kRollback more") {
  constexpr std::size_t kCapacity = 4096;
  constexpr std::size_t kMaxBatch = 64;
  std::mt19937 random(1);
  std::size_t n_lost = 0;
  for (int window = 1; window < 600; window += 7) {
    const int windows[] = {window};
    KvRings rings(kCapacity, windows, kMaxBatch);
    std::vector<std::size_t> holds(rings.n_blocks(0) * KvRings::kBlock, kCapacity);  // the position that was written there last
    const auto slot = [&](std::size_t pos) { return pos % holds.size(); };
    const auto has = [&](std::size_t length) {  // what the position behind `length` others sees of them
      const auto n = std::min(length, static_cast<std::size_t>(window) - 1);
      for (std::size_t pos = length - n; pos < length; ++pos) {
        if (holds[slot(pos)] != pos) return false;
      }
      return true;
    };
    std::size_t length = 0;
    std::size_t furthest = 0;  // that was ever written
    for (int call = 0; call < 150; ++call) {
      const std::size_t n = random() % 3 == 0 ? kMaxBatch : 1 + random() % kMaxBatch;
      const std::size_t begin = length;
      length = std::min(kCapacity, length + n);
      rings.will_write(begin, length);
      for (std::size_t pos = begin; pos < length; ++pos) holds[slot(pos)] = pos;
      CAPTURE(window, begin, length);
      furthest = std::max(furthest, length);
      const std::size_t back = furthest - std::min(furthest, KvRings::kRollback + kMaxBatch);
      for (std::size_t to = back; to <= length; to += 1 + random() % 50) REQUIRE(rings.reusable(to) == to);
      REQUIRE(rings.reusable(length) == length);
      const std::size_t any = random() % (length + 1);
      const std::size_t reusable = rings.reusable(any);
      REQUIRE((reusable == any || reusable == 0));
      if (reusable == any) REQUIRE(has(any));
      n_lost += reusable == any ? 0 : 1;
      if (random() % 8 == 0 || length == kCapacity) length = reusable;
    }
  }
  CHECK(n_lost > 100);
}

}  // namespace octet::tests

// Numbers for kernel tests: reproducible, and of the kinds that tell one order of operations from another.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace octet::tests {

class RandomFloats {
 public:
  explicit RandomFloats(std::uint32_t seed) : engine_(seed) {}

  std::vector<float> normal(std::size_t n, float scale = 1.0F) {
    std::vector<float> out(n);
    for (float& x : out) x = scale * normal_(engine_);
    return out;
  }

  /// Mostly normal, with zeros of both signs, denormals and numbers of very different size: no sum of products overflows.
  std::vector<float> mixed(std::size_t n) {
    std::vector<float> out(n);
    for (float& x : out) {
      switch (engine_() % 12) {
        case 0: x = 0.0F; break;
        case 1: x = -0.0F; break;
        case 2: x = std::bit_cast<float>(static_cast<std::uint32_t>(engine_()) & 0x807FFFFFU); break;
        case 3: x = 1e-20F * normal_(engine_); break;
        case 4: x = 1e8F * normal_(engine_); break;
        default: x = normal_(engine_);
      }
    }
    return out;
  }

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(engine_() % n); }

 private:
  std::mt19937 engine_;
  std::normal_distribution<float> normal_;
};

/// Numbers that end where the allocation ends, so that a sanitizer sees a read beyond them; they start one float behind its
/// beginning, so that they have the alignment of a float and no more.
class Unaligned {
 public:
  explicit Unaligned(const std::vector<float>& values) : storage_(values.size() + 1) {
    std::copy(values.begin(), values.end(), storage_.begin() + 1);
  }
  const float* data() const { return storage_.data() + 1; }

 private:
  std::vector<float> storage_;
};

/// Room for a result between two stretches of canaries.
class Guarded {
 public:
  explicit Guarded(std::size_t n) : n_(n), storage_(n + 2 * kGuard, canary()) {}

  float* data() { return storage_.data() + kGuard; }
  const float* data() const { return storage_.data() + kGuard; }
  std::size_t size() const { return n_; }

  bool is_intact() const {
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (!is_canary(storage_[i]) || !is_canary(storage_[kGuard + n_ + i])) return false;
    }
    return true;
  }

  /// Bit for bit, canaries included.
  bool same_bits(const Guarded& other) const {
    return n_ == other.n_ && std::memcmp(storage_.data(), other.storage_.data(), storage_.size() * sizeof(float)) == 0;
  }

 private:
  // Odd, so that results are not aligned either; wider than any vector.
  static constexpr std::size_t kGuard = 33;
  // A quiet NaN that no operation makes: a kernel that reads its output before it writes it is found, too.
  static constexpr std::uint32_t kCanary = 0x7FC0BEEF;

  static float canary() { return std::bit_cast<float>(kCanary); }
  static bool is_canary(float x) { return std::bit_cast<std::uint32_t>(x) == kCanary; }

  std::size_t n_;
  std::vector<float> storage_;
};

}  // namespace octet::tests

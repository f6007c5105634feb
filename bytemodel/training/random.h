// Numbers that depend on a seed and a counter alone, so that a run can go on from any point without stored state.
// The same on every machine, which the distributions of the standard library are not.
#pragma once

#include <cstdint>

namespace octet::bytemodel::training {

/// A stream of its own for each (seed, counter). Source: Steele et al. 2014 (SplitMix64).
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t counter) : state_(mix(seed) ^ mix(~counter)) {}

  std::uint64_t next() { return mix(state_ += kGamma); }
  /// In [0, end); end > 0.
  std::uint64_t below(std::uint64_t end) { return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * end) >> 64); }
  /// In [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  static constexpr std::uint64_t kGamma = 0x9E3779B97F4A7C15ULL;
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace octet::bytemodel::training

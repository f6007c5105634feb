// Eight floats at a time, for the pure kernel files: everything is inlined, so that no symbol leaves the object.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/reference/exp_constants.h"

#define OCTET_INLINE inline __attribute__((always_inline))

namespace octet::kernels::OCTET_ISA {
namespace {

typedef float Vec __attribute__((vector_size(32), aligned(4), may_alias));
typedef float HalfVec __attribute__((vector_size(16)));
typedef std::int32_t VecInt __attribute__((vector_size(32), aligned(4), may_alias));

constexpr int kVec = 8;

OCTET_INLINE Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
OCTET_INLINE void store(float* p, Vec x) { *reinterpret_cast<Vec*>(p) = x; }
OCTET_INLINE Vec broadcast(float x) { return Vec{x, x, x, x, x, x, x, x}; }

OCTET_INLINE float sum(Vec x) {
  const HalfVec half = __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
  return (half[0] + half[2]) + (half[1] + half[3]);
}

OCTET_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }

OCTET_INLINE float max_of(Vec x) {
  float best = x[0];
  for (int i = 1; i < kVec; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

/// e^x; the constants and the range are those of kernels/reference/math.h.
OCTET_INLINE Vec exp(Vec x) {
  using namespace reference;
  const Vec lowest = broadcast(kExpLowest);
  const Vec highest = broadcast(kExpHighest);
  x = x < lowest ? lowest : x;
  x = x > highest ? highest : x;
  const Vec shifted = x * kLog2E + kRoundToInt;
  const Vec n = shifted - kRoundToInt;
  const Vec r = (x - n * kLn2High) - n * kLn2Low;
  Vec p = broadcast(kExpPolynomial[0]);
  for (int i = 1; i < 6; ++i) p = p * r + kExpPolynomial[i];
  const Vec mantissa = (p * (r * r) + r) + 1.0F;
  const VecInt exponent = reinterpret_cast<VecInt>(shifted) - (kRoundToIntBits - 127);
  return mantissa * reinterpret_cast<Vec>(exponent << 23);
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

// Eight floats at a time for the pure kernel files of inference; the compiler lowers them to what the target has. Everything
// is inlined, so that no symbol leaves the object.
//
// The bits equal kernels/reference: the 16 lanes of dot() are two vectors, multiplication and addition stay separate (no FMA:
// -ffp-contract=off).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/reference/exp_constants.h"

#define OCTET_INLINE inline __attribute__((always_inline))
/// For hot loops that need every register for themselves.
#define OCTET_APART __attribute__((noinline))
#define OCTET_STRING_(x) #x
#define OCTET_STRING(x) OCTET_STRING_(x)

namespace octet::kernels::OCTET_ISA {
namespace {

typedef float Vec __attribute__((vector_size(32), aligned(4), may_alias));
typedef float HalfVec __attribute__((vector_size(16)));
typedef std::int32_t VecInt __attribute__((vector_size(32), aligned(4), may_alias));
typedef std::uint32_t VecBits __attribute__((vector_size(32), aligned(4), may_alias));

constexpr int kVec = 8;
constexpr int kLanes = 16;  // of reference::dot

OCTET_INLINE Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
OCTET_INLINE void store(float* p, Vec x) { *reinterpret_cast<Vec*>(p) = x; }

/// The first n (at most 8) of p[n], zeros behind.
OCTET_INLINE Vec load_part(const float* p, int n) {
  if (n >= kVec) return load(p);
  float part[kVec] = {};
  for (int i = 0; i < n; ++i) part[i] = p[i];
  return load(part);
}

OCTET_INLINE void store_part(float* p, Vec x, int n) {
  if (n >= kVec) return store(p, x);
  for (int i = 0; i < n; ++i) p[i] = x[i];
}

/// A number of lanes or rows that the compiler knows.
template <int N>
struct Count {
  static constexpr int value = N;
};

OCTET_INLINE Vec load_part(const float* p, Count<kVec>) { return load(p); }
OCTET_INLINE void store_part(float* p, Vec x, Count<kVec>) { store(p, x); }

/// f(i, how many) for the vectors of n numbers: Count<8> for whole ones, an int for the rest.
template <class F>
OCTET_INLINE void for_vectors(int n, F f) {
  int i = 0;
  for (; i + kVec <= n; i += kVec) f(i, Count<kVec>{});
  if (i < n) f(i, n - i);
}

/// The reference's fold of the 16 lanes, the lower eight and the upper eight.
OCTET_INLINE float fold(Vec low, Vec high) {
  const Vec x = low + high;
  const HalfVec half = __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
  return (half[0] + half[2]) + (half[1] + half[3]);
}

/// The largest lane; which of two equal zeros is not said.
OCTET_INLINE float max_of(Vec x) {
  const HalfVec a = __builtin_shufflevector(x, x, 0, 1, 2, 3);
  const HalfVec b = __builtin_shufflevector(x, x, 4, 5, 6, 7);
  const HalfVec c = a > b ? a : b;
  const HalfVec d = __builtin_shufflevector(c, c, 2, 3, 0, 1);
  const HalfVec e = c > d ? c : d;
  return e[0] > e[1] ? e[0] : e[1];
}

/// reference::exp in eight lanes.
OCTET_INLINE Vec exp(Vec x) {
  using namespace reference;
  x = x < kExpLowest ? Vec{} + kExpLowest : x;
  x = x > kExpHighest ? Vec{} + kExpHighest : x;
  const Vec shifted = x * kLog2E + kRoundToInt;
  const Vec n = shifted - kRoundToInt;
  const Vec r = (x - n * kLn2High) - n * kLn2Low;
  Vec p = Vec{} + kExpPolynomial[0];
#pragma GCC unroll 5
  for (int i = 1; i < 6; ++i) p = p * r + kExpPolynomial[i];
  const Vec mantissa = (p * (r * r) + r) + 1.0F;
  const VecInt exponent = (reinterpret_cast<const VecInt&>(shifted) - kRoundToIntBits + 127) << 23;
  return mantissa * reinterpret_cast<const Vec&>(exponent);
}

/// reference::exp2.
OCTET_INLINE Vec exp2(Vec x) {
  using namespace reference;
  x = x < kExp2Lowest ? Vec{} + kExp2Lowest : x;
  const Vec shifted = x + kRoundToInt;
  const Vec f = x - (shifted - kRoundToInt);
  Vec p = Vec{} + kExp2Polynomial[0];
#pragma GCC unroll 4
  for (int i = 1; i < 5; ++i) p = p * f + kExp2Polynomial[i];
  // Where the argument was no score at all (above 0, masked later) the sum may wrap.
  const VecBits bits = reinterpret_cast<const VecBits&>(p) + (reinterpret_cast<const VecBits&>(shifted) << 23);
  return reinterpret_cast<const Vec&>(bits);
}

/// reference::sigmoid, silu and tanh.
OCTET_INLINE Vec sigmoid(Vec x) { return 1.0F / (1.0F + exp(-x)); }
OCTET_INLINE Vec silu(Vec x) { return x * sigmoid(x); }
OCTET_INLINE Vec tanh(Vec x) { return 1.0F - 2.0F / (exp(2.0F * x) + 1.0F); }

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

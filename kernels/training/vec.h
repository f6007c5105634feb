// OCTET_LANES floats at a time (8 or 16), for the pure kernel files: everything is inlined, so that no symbol leaves the
// object. Values in memory are float or Bf16; all arithmetic is in float.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#include "kernels/reference/exp_constants.h"
#include "kernels/training/training_kernels.h"

#define OCTET_INLINE inline __attribute__((always_inline))

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr int kVec = OCTET_LANES;

typedef float Vec __attribute__((vector_size(4 * kVec), aligned(4), may_alias));
typedef float Quad __attribute__((vector_size(16)));
typedef std::int32_t VecInt __attribute__((vector_size(4 * kVec), aligned(4), may_alias));
typedef std::uint32_t VecBits __attribute__((vector_size(4 * kVec), aligned(4), may_alias));
typedef std::uint16_t VecHalves __attribute__((vector_size(2 * kVec), aligned(2), may_alias));

OCTET_INLINE Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
OCTET_INLINE void store(float* p, Vec x) { *reinterpret_cast<Vec*>(p) = x; }
OCTET_INLINE Vec broadcast(float x) { return x - Vec{}; }

/// GCC 12 makes several instructions of the portable form, and warns about the intrinsic without a mask.
OCTET_INLINE VecBits widen(VecHalves x) {
#ifdef __AVX512BF16__
  return reinterpret_cast<VecBits>(_mm512_maskz_cvtepu16_epi32(0xFFFF, reinterpret_cast<__m256i>(x)));
#else
  return __builtin_convertvector(x, VecBits);
#endif
}

/// A Bf16 is the upper half of a float.
OCTET_INLINE VecHalves load_halves(const Bf16* p) { return *reinterpret_cast<const VecHalves*>(p); }
OCTET_INLINE Vec load(const Bf16* p) { return reinterpret_cast<Vec>(widen(load_halves(p)) << 16); }

/// Rounds to nearest, ties to even.
OCTET_INLINE VecHalves halves(Vec x) {
#ifdef __AVX512BF16__
  return reinterpret_cast<VecHalves>(_mm512_cvtneps_pbh(x));
#else
  const VecBits bits = reinterpret_cast<VecBits>(x);
  return __builtin_convertvector((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, VecHalves);
#endif
}
OCTET_INLINE void store(Bf16* p, VecHalves x) { *reinterpret_cast<VecHalves*>(p) = x; }
OCTET_INLINE void store(Bf16* p, Vec x) { store(p, halves(x)); }

/// Two Bf16, the earlier in the lower half: what a dot product of bfloat16 takes at a time.
enum class Bf16Pair : std::uint32_t {};

OCTET_INLINE VecBits load(const Bf16Pair* p) { return *reinterpret_cast<const VecBits*>(p); }
OCTET_INLINE void store(Bf16Pair* p, VecBits x) { *reinterpret_cast<VecBits*>(p) = x; }
OCTET_INLINE VecBits broadcast(Bf16Pair x) { return VecBits{} + static_cast<std::uint32_t>(x); }
OCTET_INLINE VecBits pairs(VecHalves earlier, VecHalves later) { return widen(earlier) | widen(later) << 16; }

OCTET_INLINE Vec multiply_add(Vec a, Vec b, Vec sum) { return sum + a * b; }

/// sum + the dot product of each pair.
OCTET_INLINE Vec multiply_add(VecBits a, VecBits b, Vec sum) {
#ifdef __AVX512BF16__
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
#else
  sum += reinterpret_cast<Vec>(a << 16) * reinterpret_cast<Vec>(b << 16);
  return sum + reinterpret_cast<Vec>(a & 0xFFFF0000) * reinterpret_cast<Vec>(b & 0xFFFF0000);
#endif
}

OCTET_INLINE float value_of(float x) { return x; }
OCTET_INLINE float value_of(Bf16 x) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(x) << 16); }

OCTET_INLINE float sum(Vec x) {
  Quad quad = {};
  for (int i = 0; i < kVec; i += 4) quad += Quad{x[i], x[i + 1], x[i + 2], x[i + 3]};
  return (quad[0] + quad[2]) + (quad[1] + quad[3]);
}

/// 0, 1, 2, ...
OCTET_INLINE VecInt lane_numbers() {
  VecInt numbers = {};
  for (int i = 0; i < kVec; ++i) numbers[i] = i;
  return numbers;
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

// Eight integers as 16-bit or 8-bit ones. GCC 12 takes a vector apart for __builtin_convertvector to bytes.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "kernels/cpu/vec8.h"

namespace octet::kernels::OCTET_ISA {
namespace {

typedef std::int16_t Shorts __attribute__((vector_size(16), aligned(2), may_alias));
typedef std::int8_t Bytes __attribute__((vector_size(8), aligned(1), may_alias));

/// Each lane must fit 16 bits.
OCTET_INLINE Shorts to_shorts(VecInt x) {
#ifdef __SSE2__
  typedef std::int32_t HalfInt __attribute__((vector_size(16)));
  const HalfInt low = __builtin_shufflevector(x, x, 0, 1, 2, 3);
  const HalfInt high = __builtin_shufflevector(x, x, 4, 5, 6, 7);
  return reinterpret_cast<Shorts>(_mm_packs_epi32(reinterpret_cast<__m128i>(low), reinterpret_cast<__m128i>(high)));
#else
  return __builtin_convertvector(x, Shorts);
#endif
}

/// Each lane must fit 8 bits.
OCTET_INLINE Bytes to_bytes(VecInt x) {
#ifdef __SSE2__
  const auto shorts = reinterpret_cast<__m128i>(to_shorts(x));
  const std::int64_t low = _mm_cvtsi128_si64(_mm_packs_epi16(shorts, shorts));
  return __builtin_bit_cast(Bytes, low);
#else
  return __builtin_convertvector(x, Bytes);
#endif
}

OCTET_INLINE void store_bytes(std::uint8_t* p, Bytes x) { __builtin_memcpy(p, &x, sizeof(x)); }

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

// The inner products of the int8 profile on AVX-512 with VNNI.
//
// An accumulator is ready for the next sum after four or five cycles, so that a tile has at least eight of them.
#pragma once

#ifndef OCTET_EMULATED_AVX512  // tests on processors without it bring their own intrinsics
#include <immintrin.h>
#endif

#include "kernels/cpu/vec8.h"
#include "kernels/int8/narrow.h"
#include "kernels/int8/packed.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// Rows that dot() takes at once for P panels: R * P accumulators, P weights and an input fit 32 registers.
constexpr int kTileRows = 8;
template <int R>
constexpr int kTilePanels = R == 1   ? 8
                            : R <= 3 ? 4
                            : R <= 4 ? 3
                                     : 2;

using Register = __m512i;
constexpr int kPeakChains = 16;

OCTET_INLINE Register zero() { return _mm512_setzero_si512(); }
OCTET_INLINE Register load(const std::int8_t* p) { return _mm512_load_si512(p); }
OCTET_INLINE Register broadcast_quad(const std::uint8_t* p) {
  std::int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm512_set1_epi32(quad);
}
OCTET_INLINE void store_difference(std::int32_t* to, Register sum, const std::int32_t* bias) {
  _mm512_store_si512(to, _mm512_sub_epi32(sum, _mm512_loadu_si512(bias)));
}
#ifdef OCTET_EMULATED_AVX512
OCTET_INLINE void keep(Register&) {}
#else
OCTET_INLINE void keep(Register& x) { asm volatile("" : "+v"(x)); }
#endif

/// sum += products of four bytes (u unsigned) or two 16-bit numbers, in place: left to itself GCC 12 moves accumulators about and
/// through the stack.
#ifdef OCTET_EMULATED_AVX512
OCTET_INLINE void add_quads(__m512i& sum, __m512i u, __m512i w) { sum = _mm512_dpbusd_epi32(sum, u, w); }
OCTET_INLINE void add_pairs(__m512i& sum, __m512i a, __m512i b) { sum = _mm512_dpwssd_epi32(sum, a, b); }
#else
OCTET_INLINE void add_quads(__m512i& sum, __m512i u, __m512i w) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(w)); }
OCTET_INLINE void add_pairs(__m512i& sum, __m512i a, __m512i b) { asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }
#endif

/// sums[R][16] = R rows of 16-bit weights (stride apart) . one panel, quads [begin, end).
template <int R>
OCTET_APART void mix(const std::int16_t* weights, std::ptrdiff_t stride, const std::int8_t* panel, int begin, int end, std::int32_t* sums) {
  __m512i acc[R][2];  // eight rows of the panel each, in two parts
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm512_setzero_si512();
  for (std::ptrdiff_t i = begin; i < end; ++i) {
    const std::int8_t* line = panel + i * int8::kLine;
    const __m512i low = _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(line)));
    const __m512i high = _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(line + 32)));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      long long quad;
      __builtin_memcpy(&quad, weights + r * stride + i * int8::kQuad, sizeof(quad));
      const __m512i weight = _mm512_set1_epi64(quad);
      add_pairs(acc[r][0], weight, low);
      add_pairs(acc[r][1], weight, high);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      // With a mask: GCC 12 warns about what the unmasked intrinsics leave undefined inside.
      const __m512i upper = _mm512_maskz_srli_epi64(0xFF, acc[r][half], 32);
      const __m256i folded = _mm512_maskz_cvtepi64_epi32(0xFF, _mm512_add_epi32(acc[r][half], upper));
      _mm256_store_si256(reinterpret_cast<__m256i*>(sums + r * int8::kPanel + half * 8), folded);
    }
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

#include "kernels/int8/dot_vnni.h"

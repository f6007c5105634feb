// The inner products of the int8 profile on AVX-512 with VNNI.
//
// vpdpbusd multiplies unsigned by signed bytes: inputs are stored as x + 128, and 128 times the sum of the weights
// (PackedMatrix::biases) is subtracted at the end. Sums wrap modulo 2^32 on the way, the difference is exact. An accumulator is
// ready for the next sum after four or five cycles, so that a tile has at least eight of them.
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

/// One plane: x + 128.
OCTET_INLINE void store_row(std::uint8_t* row, std::ptrdiff_t, std::ptrdiff_t i, VecInt q) {
  store_bytes(row + i, to_bytes(q) ^ static_cast<std::int8_t>(-128));
}

/// sum += products of four bytes (u unsigned) or two 16-bit numbers, in place: left to itself GCC 12 moves accumulators about and
/// through the stack.
#ifdef OCTET_EMULATED_AVX512
OCTET_INLINE void add_quads(__m512i& sum, __m512i u, __m512i w) { sum = _mm512_dpbusd_epi32(sum, u, w); }
OCTET_INLINE void add_pairs(__m512i& sum, __m512i a, __m512i b) { sum = _mm512_dpwssd_epi32(sum, a, b); }
#else
OCTET_INLINE void add_quads(__m512i& sum, __m512i u, __m512i w) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(u), "v"(w)); }
OCTET_INLINE void add_pairs(__m512i& sum, __m512i a, __m512i b) { asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }
#endif

/// sums[R][P * 16] = R rows x (stride apart) . P panels w (panel_bytes apart) - biases[P * 16], k in quads.
template <int R, int P>
OCTET_APART void dot(const std::uint8_t* x, std::ptrdiff_t stride, const std::int8_t* w, std::ptrdiff_t panel_bytes, int quads,
                     const std::int32_t* biases, std::int32_t* sums) {
  __m512i acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p] = _mm512_setzero_si512();
  }
  for (std::ptrdiff_t i = 0; i < quads; ++i, x += int8::kQuad, w += int8::kLine) {
    __m512i line[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) line[p] = _mm512_load_si512(w + p * panel_bytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      std::int32_t quad;
      __builtin_memcpy(&quad, x + r * stride, sizeof(quad));
      const __m512i value = _mm512_set1_epi32(quad);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) add_quads(acc[r][p], value, line[p]);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const __m512i bias = _mm512_loadu_si512(biases + p * int8::kPanel);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) _mm512_store_si512(sums + (r * P + p) * int8::kPanel, _mm512_sub_epi32(acc[r][p], bias));
  }
}

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

/// The most exact products that the processor can add up: vpdpbusd from registers, sixteen chains.
constexpr int kPeakProducts = 16 * 64;
OCTET_APART void peak(std::int64_t n) {
  __m512i acc[16];
  const __m512i x = _mm512_set1_epi8(3);
#pragma GCC unroll 16
  for (auto& sum : acc) sum = _mm512_setzero_si512();
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 16
    for (auto& sum : acc) add_quads(sum, x, x);
  }
#ifndef OCTET_EMULATED_AVX512
#pragma GCC unroll 16
  for (auto& sum : acc) asm volatile("" ::"v"(sum));
#endif
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

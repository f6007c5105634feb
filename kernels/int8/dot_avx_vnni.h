// The inner products of the int8 profile on AVX2 processors with VNNI in 256 bits (AVX-VNNI: what Intel's desktops and laptops
// have since 2021).
//
// As in dot_avx512_vnni.h inputs are stored as x + 128, and PackedMatrix::biases is subtracted at the end.
#pragma once

#ifndef OCTET_EMULATED_AVX_VNNI  // a test brings its own
#include <immintrin.h>
#endif

#include "kernels/cpu/vec8.h"
#include "kernels/int8/narrow.h"
#include "kernels/int8/packed.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// Rows that dot() takes at once for P panels: 2 * R * P accumulators and three more fit 16 registers; an accumulator is ready for
/// the next sum after five cycles, of two sums each.
constexpr int kTileRows = 5;
template <int R>
constexpr int kTilePanels = R == 1   ? 5
                            : R == 2 ? 3
                            : R == 3 ? 2
                                     : 1;

/// One plane: x + 128.
OCTET_INLINE void store_row(std::uint8_t* row, std::ptrdiff_t, std::ptrdiff_t i, VecInt q) {
  store_bytes(row + i, to_bytes(q) ^ static_cast<std::int8_t>(-128));
}

/// sum += products of four bytes (u unsigned) or two 16-bit numbers, in place (dot_avx512_vnni.h says why).
#ifdef OCTET_EMULATED_AVX_VNNI
OCTET_INLINE void add_quads(__m256i& sum, __m256i u, __m256i w) { sum = _mm256_dpbusd_epi32(sum, u, w); }
OCTET_INLINE void add_pairs(__m256i& sum, __m256i a, __m256i b) { sum = _mm256_dpwssd_epi32(sum, a, b); }
#else
OCTET_INLINE void add_quads(__m256i& sum, __m256i u, __m256i w) { asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "xm"(w)); }
OCTET_INLINE void add_pairs(__m256i& sum, __m256i a, __m256i b) { asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b)); }
#endif

/// sums[R][P * 16] = R rows x (stride apart) . P panels w (panel_bytes apart) - biases[P * 16], k in quads.
template <int R, int P>
OCTET_APART void dot(const std::uint8_t* x, std::ptrdiff_t stride, const std::int8_t* w, std::ptrdiff_t panel_bytes, int quads,
                     const std::int32_t* biases, std::int32_t* sums) {
  __m256i acc[R][P][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) acc[r][p][0] = acc[r][p][1] = _mm256_setzero_si256();
  }
  for (std::ptrdiff_t i = 0; i < quads; ++i, x += int8::kQuad, w += int8::kLine) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const auto* line = reinterpret_cast<const __m256i*>(w + p * panel_bytes);
      const __m256i low = _mm256_load_si256(line);
      const __m256i high = _mm256_load_si256(line + 1);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        std::int32_t quad;
        __builtin_memcpy(&quad, x + r * stride, sizeof(quad));
        const __m256i value = _mm256_set1_epi32(quad);
        add_quads(acc[r][p][0], value, low);
        add_quads(acc[r][p][1], value, high);
      }
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
    const auto* bias = reinterpret_cast<const __m256i*>(biases + p * int8::kPanel);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      auto* out = reinterpret_cast<__m256i*>(sums + (r * P + p) * int8::kPanel);
      _mm256_store_si256(out, _mm256_sub_epi32(acc[r][p][0], _mm256_loadu_si256(bias)));
      _mm256_store_si256(out + 1, _mm256_sub_epi32(acc[r][p][1], _mm256_loadu_si256(bias + 1)));
    }
  }
}

/// The most exact products that the processor can add up: vpdpbusd from registers, twelve chains.
constexpr int kPeakProducts = 12 * 32;
OCTET_APART void peak(std::int64_t n) {
  __m256i acc[12];
  const __m256i x = _mm256_set1_epi8(3);
#pragma GCC unroll 12
  for (auto& sum : acc) sum = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 12
    for (auto& sum : acc) add_quads(sum, x, x);
  }
#ifndef OCTET_EMULATED_AVX_VNNI
#pragma GCC unroll 12
  for (auto& sum : acc) asm volatile("" ::"x"(sum));
#endif
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

#include "kernels/int8/mix_256.h"

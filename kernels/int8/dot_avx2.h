// The inner products of the int8 profile on AVX2.
//
// vpmaddubsw multiplies unsigned by signed bytes and saturates sums of two at 32767; |x| times w with the sign of x moved to it
// is at most 2 * 127 * 127 = 32258, so nothing saturates. Four instructions for 32 products, whatever the number of rows: a
// widening to 16 bits takes as many and two more for the weights. Source: the idea is ggml's for its q8_0 products.
#pragma once

#include <immintrin.h>

#include "kernels/cpu/vec8.h"
#include "kernels/int8/narrow.h"
#include "kernels/int8/packed.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// Rows that dot() takes at once for P panels: 2 * R * P accumulators and five more fit 16 registers.
constexpr int kTileRows = 4;
template <int R>
constexpr int kTilePanels = R == 1   ? 4
                            : R == 2 ? 2
                                     : 1;

/// Two planes: x, and |x|.
OCTET_INLINE void store_row(std::uint8_t* row, std::ptrdiff_t plane, std::ptrdiff_t i, VecInt q) {
  store_bytes(row + i, to_bytes(q));
  store_bytes(row + plane + i, to_bytes(q < 0 ? -q : q));
}

/// sum += x, in place: left to itself GCC 12 moves accumulators about and through the stack.
OCTET_INLINE void add_to(__m256i& sum, __m256i x) { asm("vpaddd %1, %0, %0" : "+x"(sum) : "x"(x)); }

/// sum += products of two 16-bit numbers.
OCTET_INLINE void add_pairs(__m256i& sum, __m256i a, __m256i b) { add_to(sum, _mm256_madd_epi16(a, b)); }

OCTET_INLINE __m256i broadcast_quad(const std::uint8_t* p) {
  std::int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm256_set1_epi32(quad);
}

/// sums[R][P * 16] = R rows x (stride apart) . P panels w (panel_bytes apart), k in quads.
template <int R, int P>
OCTET_APART void dot(const std::uint8_t* x, std::ptrdiff_t stride, const std::int8_t* w, std::ptrdiff_t panel_bytes, int quads,
                     const std::int32_t*, std::int32_t* sums) {
  const __m256i ones = _mm256_set1_epi16(1);
  const std::ptrdiff_t plane = stride / 2;
  __m256i acc[R][P][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) acc[r][p][0] = acc[r][p][1] = _mm256_setzero_si256();
  }
#pragma GCC unroll 2
  for (std::ptrdiff_t i = 0; i < quads; ++i, x += int8::kQuad, w += int8::kLine) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      const auto* line = reinterpret_cast<const __m256i*>(w + p * panel_bytes);
      const __m256i low = _mm256_load_si256(line);
      const __m256i high = _mm256_load_si256(line + 1);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m256i value = broadcast_quad(x + r * stride);
        const __m256i magnitude = broadcast_quad(x + r * stride + plane);
        const __m256i first = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(low, value));
        add_to(acc[r][p][0], _mm256_madd_epi16(first, ones));
        const __m256i second = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(high, value));
        add_to(acc[r][p][1], _mm256_madd_epi16(second, ones));
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int p = 0; p < P; ++p) {
      auto* out = reinterpret_cast<__m256i*>(sums + (r * P + p) * int8::kPanel);
      _mm256_store_si256(out, acc[r][p][0]);
      _mm256_store_si256(out + 1, acc[r][p][1]);
    }
  }
}

/// The most exact products that the processor can add up: vpmaddwd and vpaddd from registers, eight chains.
constexpr int kPeakProducts = 8 * 16;
OCTET_APART void peak(std::int64_t n) {
  __m256i acc[8];
  const __m256i x = _mm256_set1_epi16(3);
#pragma GCC unroll 8
  for (auto& sum : acc) sum = _mm256_setzero_si256();
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 8
    for (auto& sum : acc) {
      __m256i product;
      asm volatile("vpmaddwd %1, %1, %0" : "=x"(product) : "x"(x));
      add_to(sum, product);
    }
  }
#pragma GCC unroll 8
  for (auto& sum : acc) asm volatile("" ::"x"(sum));
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

#include "kernels/int8/mix_256.h"

// The mixture of values by 15-bit weights in 256-bit registers. Included by the headers that have add_pairs().
#pragma once

namespace octet::kernels::OCTET_ISA {
namespace {

/// sums[R][16] = R rows of 16-bit weights (stride apart) . one panel, quads [begin, end). A register holds four of the panel's rows
/// in two parts each; one or two rows of weights leave room for all sixteen at once.
template <int R>
OCTET_APART void mix(const std::int16_t* weights, std::ptrdiff_t stride, const std::int8_t* panel, int begin, int end, std::int32_t* sums) {
  constexpr int kParts = R <= 2 ? 4 : 2;
#pragma GCC unroll 2
  for (int first = 0; first < 4; first += kParts) {
    __m256i acc[R][kParts];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int part = 0; part < kParts; ++part) acc[r][part] = _mm256_setzero_si256();
    }
    for (std::ptrdiff_t i = begin; i < end; ++i) {
      const auto* line = reinterpret_cast<const __m128i*>(panel + i * int8::kLine) + first;
      __m256i values[kParts];
#pragma GCC unroll 4
      for (int part = 0; part < kParts; ++part) values[part] = _mm256_cvtepi8_epi16(_mm_load_si128(line + part));
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        long long quad;
        __builtin_memcpy(&quad, weights + r * stride + i * int8::kQuad, sizeof(quad));
        const __m256i weight = _mm256_set1_epi64x(quad);
#pragma GCC unroll 4
        for (int part = 0; part < kParts; ++part) add_pairs(acc[r][part], weight, values[part]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
      for (int part = 0; part < kParts; part += 2) {
        const __m256i folded = _mm256_permute4x64_epi64(_mm256_hadd_epi32(acc[r][part], acc[r][part + 1]), 0xD8);
        _mm256_store_si256(reinterpret_cast<__m256i*>(sums + r * int8::kPanel + (first + part) * 4), folded);
      }
    }
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

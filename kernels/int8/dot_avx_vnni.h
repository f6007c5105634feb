// The inner products of the int8 profile on AVX2 processors with VNNI in 256 bits (AVX-VNNI: what Intel's desktops and laptops
// have since 2021).
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

using Register = __m256i;
constexpr int kPeakChains = 12;

OCTET_INLINE Register zero() { return _mm256_setzero_si256(); }
OCTET_INLINE Register load(const std::int8_t* p) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(p)); }
OCTET_INLINE Register broadcast_quad(const std::uint8_t* p) {
  std::int32_t quad;
  __builtin_memcpy(&quad, p, sizeof(quad));
  return _mm256_set1_epi32(quad);
}
OCTET_INLINE void store_difference(std::int32_t* to, Register sum, const std::int32_t* bias) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(to), _mm256_sub_epi32(sum, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias))));
}
#ifdef OCTET_EMULATED_AVX_VNNI
OCTET_INLINE void keep(Register&) {}
#else
OCTET_INLINE void keep(Register& x) { asm volatile("" : "+x"(x)); }
#endif

/// sum += products of four bytes (u unsigned) or two 16-bit numbers, in place (dot_avx512_vnni.h says why).
#ifdef OCTET_EMULATED_AVX_VNNI
OCTET_INLINE void add_quads(__m256i& sum, __m256i u, __m256i w) { sum = _mm256_dpbusd_epi32(sum, u, w); }
OCTET_INLINE void add_pairs(__m256i& sum, __m256i a, __m256i b) { sum = _mm256_dpwssd_epi32(sum, a, b); }
#else
OCTET_INLINE void add_quads(__m256i& sum, __m256i u, __m256i w) { asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(u), "xm"(w)); }
OCTET_INLINE void add_pairs(__m256i& sum, __m256i a, __m256i b) { asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b)); }
#endif

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

#include "kernels/int8/dot_vnni.h"

#include "kernels/int8/mix_256.h"

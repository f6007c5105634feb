// The inner products for AVX-512 with VNNI on any processor: the kernels' own source over SIMDe. Named by OCTET_DOT where tests
// compile kernels/int8/int8_kernels.cpp once more.
#pragma once

#define OCTET_EMULATED_AVX512
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>

// What SIMDe 0.7.4 lacks.
#undef _mm512_maskz_srli_epi64
#undef _mm512_maskz_cvtepi64_epi32
#define _mm512_maskz_srli_epi64(mask, x, n) simde_mm512_maskz_mov_epi64(mask, simde_mm512_srli_epi64(x, n))
#define _mm512_maskz_cvtepi64_epi32(mask, x) simde_mm256_maskz_mov_epi32(mask, simde_mm512_cvtepi64_epi32(x))

#include "kernels/int8/dot_avx512_vnni.h"

// The inner products for AVX-VNNI on any processor: the kernels' own source over SIMDe. Named by OCTET_DOT where tests compile
// kernels/int8/int8_kernels.cpp once more.
#pragma once

#define OCTET_EMULATED_AVX_VNNI
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>

#include "kernels/int8/dot_avx_vnni.h"

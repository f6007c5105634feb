// mma.sync by PTX's own definition: which lane holds which elements of a[16, k], b[k, 8] and c[16, 8].
// Source: PTX ISA, "Matrix fragments for mma.m16n8k32" and "... mma.m16n8k16 with floating point type".
#pragma once

#include "tests/support/cuda_emulator/scheduler.h"

namespace octet::cuda_emulator {

enum class Operands {
  kS8S8,  // m16n8k32, int8 . int8, sums int32
  kS8U8,  // m16n8k32, int8 . uint8
  kBf16,  // m16n8k16, bf16 . bf16, sums f32
};

/// c += a . b for the warp; this lane has four registers of a, two of b and four of c.
void mma(Operands operands, void* c, const void* a, const void* b, Site site);

}  // namespace octet::cuda_emulator

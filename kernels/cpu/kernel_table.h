// The fast kernels of the f32 profile: one struct of function pointers, chosen once at run time.
//
// Each entry computes the same bits as its namesake in kernels/reference, on every instruction set.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/reference/ops.h"

namespace octet::kernels {

/// Contracts as in kernels/reference/ops.h.
struct KernelTable {
  const char* isa;
  void (*matmul)(const float* x, const float* w, float* y, int m, int n, int k);
  void (*attention)(const float* q, const float* keys, const float* values, std::int64_t begin, std::int64_t end,
                    reference::AttentionShape shape, float* scores, float* out);
  float (*masked_softmax_at)(const float* x, const bool* allowed, int n, int chosen);
};

/// What this processor can run, best first; the last entry ("baseline") runs everywhere.
std::span<const KernelTable* const> supported_kernels();

/// The best table, or the one named `forced` where that is not empty; nullptr when this processor cannot run it or
/// nobody knows the name.
const KernelTable* select_kernels(std::string_view forced);

}  // namespace octet::kernels

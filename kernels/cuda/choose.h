// The byte of a row of logits: the allowed one with the largest, the lowest on a tie. Included by .cu files.
#pragma once

#include "kernels/cuda/rows.h"
#include "kernels/cuda/utf8.h"

namespace octet::kernels::cuda {

/// By a warp, for all its lanes; logit(byte). Where all allowed logits are NaN, kVocabulary.
template <class Logit>
__device__ int choose(Logit logit, const Utf8& state, int end_byte) {
  float best = 0;
  int chosen = kVocabulary;
  const auto take = [&](float value, int byte) {
    const bool is_better = chosen == kVocabulary || value > best || (value == best && byte < chosen);
    if (byte < kVocabulary && is_better) {
      best = value;
      chosen = byte;
    }
  };
  for (int byte = lane_index(); byte < kVocabulary; byte += 32) {
    const float value = logit(byte);
    if (state.allows(byte, end_byte) && value == value) take(value, byte);
  }
#pragma unroll
  for (int width = 16; width > 0; width /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, best, width);
    const int other_byte = __shfl_xor_sync(kAllLanes, chosen, width);
    take(other, other_byte);
  }
  return chosen;
}

}  // namespace octet::kernels::cuda

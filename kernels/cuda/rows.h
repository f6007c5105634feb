// Rows of floats as int8 in shared memory, a warp for each row; the bits are those of kernels/int8/rows.h. Included by .cu files.
#pragma once

#include <bit>

#include "kernels/cuda/layout.h"
#include "kernels/cuda/machine.h"
#include "kernels/reference/math.h"

namespace octet::kernels::cuda {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;
inline constexpr int kFloatLanes = 16;  // of reference::dot

__device__ inline int warp_index() { return static_cast<int>(threadIdx.x) / 32; }
__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % 32; }

/// Quantised rows as mma takes them for b: four numbers a word.
struct Rows {
  Shared<unsigned> words;  // [kMaxRows][row_words(k)]
  Shared<float> scales;    // [kMaxRows]
  int stride;              // words from row to row
};
/// The eight rows that a warp reads at once begin in eight different banks, four apart.
constexpr int row_words(int k) { return n_steps(k) * (kDepth / 4) + 4; }
constexpr int shared_part(int n_bytes) { return (n_bytes + 15) / 16 * 16; }
constexpr int rows_bytes(int k, int n_rows = kMaxRows) { return shared_part(n_rows * row_words(k) * 4) + shared_part(n_rows * 4); }
__device__ inline Rows take_rows(SharedSpace& space, int k, int n_rows = kMaxRows) {
  const int stride = row_words(k);
  const Shared<unsigned> words = space.take<unsigned>(n_rows * stride);
  return {words, space.take<float>(n_rows), stride};
}

/// The sum of 16 lanes, lane j with partial sum j % 16, folded by halves: every lane gets it.
__device__ inline float fold(float lane_sum) {
#pragma unroll
  for (int width = kFloatLanes / 2; width > 0; width /= 2) lane_sum += __shfl_xor_sync(kAllLanes, lane_sum, width);
  return lane_sum;
}

/// 1 / sqrt(mean(x^2) + eps) of x(i), i < k, for the warp; the sum in the order of reference::dot.
template <class Value>
__device__ float inverse_rms(int k, float eps, Value x) {
  float sum = 0;
  for (int i = lane_index() % kFloatLanes; i < k; i += kFloatLanes) sum += x(i) * x(i);
  return 1.0F / __builtin_sqrtf(fold(sum) / static_cast<float>(k) + eps);
}

/// To the nearest, halves to even, for |x| < 2^22.
__device__ inline std::int32_t round_even(float x) {
  return std::bit_cast<std::int32_t>(x + reference::kRoundToInt) - reference::kRoundToIntBits;
}

/// Quantises value(i), i < k, by the warp: put(word index, four integers in a word) for all words of whole steps, zeros behind k.
/// Returns the scale. Magnitudes are compared as integers: there NaN and infinity are above all numbers.
template <class Value, class Put>
__device__ float quantize(int k, Value value, Put put) {
  constexpr unsigned kInfinityBits = 0x7F800000U;
  constexpr float kSmallest = 1e-30F;  // as kernels/reference/int8_ops.cpp
  unsigned bits = 0;
  for (int i = lane_index(); i < k; i += 32) {
    const unsigned magnitude = std::bit_cast<unsigned>(value(i)) & 0x7FFFFFFFU;
    bits = magnitude > bits ? magnitude : bits;
  }
#pragma unroll
  for (int width = 16; width > 0; width /= 2) {
    const unsigned other = __shfl_xor_sync(kAllLanes, bits, width);
    bits = other > bits ? other : bits;
  }
  const float largest = std::bit_cast<float>(bits);
  const bool is_finite = bits < kInfinityBits;
  const bool is_zero = !is_finite || largest < kSmallest;
  const float steps = is_zero ? 0.0F : 127.0F / largest;
  for (int word = lane_index(); word < n_steps(k) * (kDepth / 4); word += 32) {
    unsigned four = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int i = 4 * word + j;
      const std::int32_t q = is_zero || i >= k ? 0 : round_even(value(i) * steps);
      four |= (static_cast<unsigned>(q) & 0xFFU) << (8 * j);
    }
    put(word, four);
  }
  if (!is_finite) return std::bit_cast<float>(0x7FC00000U);
  return is_zero ? 0.0F : largest / 127.0F;
}

/// The warp's row of `rows` = value(i), i < k, quantised.
template <class Value>
__device__ void quantize_row(const Rows& rows, int k, Value value) {
  const int row = warp_index();
  const float scale = quantize(k, value, [&](int word, unsigned four) { rows.words.write(row * rows.stride + word, four); });
  if (lane_index() == 0) rows.scales.write(row, scale);
}

/// A row that is not there, so that a product of eight finds numbers.
__device__ inline void clear_row(const Rows& rows, int k) {
  for (int word = lane_index(); word < n_steps(k) * (kDepth / 4); word += 32) rows.words.write(warp_index() * rows.stride + word, 0U);
  if (lane_index() == 0) rows.scales.write(warp_index(), 0.0F);
}

/// Each warp's row of x[n_rows, k] RMSNormed, times gain[k], quantised; a barrier behind.
__device__ inline void norm_quantize_rows(const Rows& rows, int n_rows, const float* x, const float* gain, float eps, int k) {
  const int row = warp_index();
  if (row < n_rows) {
    const float* of_row = x + static_cast<std::ptrdiff_t>(row) * k;
    const float scale = inverse_rms(k, eps, [&](int i) { return of_row[i]; });
    quantize_row(rows, k, [&](int i) { return of_row[i] * scale * gain[i]; });
  } else {
    clear_row(rows, k);
  }
  __syncthreads();
}

/// The same without the norm.
__device__ inline void quantize_rows(const Rows& rows, int n_rows, const float* x, int k) {
  const int row = warp_index();
  if (row < n_rows) {
    const float* of_row = x + static_cast<std::ptrdiff_t>(row) * k;
    quantize_row(rows, k, [&](int i) { return of_row[i]; });
  } else {
    clear_row(rows, k);
  }
  __syncthreads();
}

}  // namespace octet::kernels::cuda

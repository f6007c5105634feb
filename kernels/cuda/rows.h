// Rows of floats in the format of weights: in shared memory, a warp for each row, or in the device's. Included by .cu files.
#pragma once

#include "kernels/cuda/formats.h"

namespace octet::kernels::cuda {

inline constexpr int kFloatLanes = 16;  // of reference::dot

/// Rows as mma takes them for b, some steps of them.
struct SharedRows {
  Shared<unsigned> words;  // [n_rows][stride]
  Shared<float> scales;    // [n_rows], for formats that have them
  int stride;              // words from row to row
};
/// The eight rows that a warp reads at once begin in eight different banks, four apart.
constexpr int row_stride(int steps) { return steps * kStepWords + 4; }
constexpr int shared_part(int n_bytes) { return (n_bytes + 15) / 16 * 16; }
constexpr int rows_bytes(int steps, int n_rows) { return shared_part(n_rows * row_stride(steps) * 4) + shared_part(n_rows * 4); }
__device__ inline SharedRows take_rows(SharedSpace& space, int steps, int n_rows) {
  const Shared<unsigned> words = space.take<unsigned>(n_rows * row_stride(steps));
  return {words, space.take<float>(n_rows), row_stride(steps)};
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
  constexpr int kAtOnce = 16;
  float sum = 0;
  for (int from = lane_index() % kFloatLanes; from < k; from += kAtOnce * kFloatLanes) {
    float values[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) values[i] = from + i * kFloatLanes < k ? x(from + i * kFloatLanes) : 0.0F;
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) sum += values[i] * values[i];
  }
  return 1.0F / __builtin_sqrtf(fold(sum) / static_cast<float>(k) + eps);
}

/// value(i), i < k, in format F by the warp: put(word index, word) for all words of whole steps, zeros behind k. Returns the scale.
template <class F, class Value, class Put>
__device__ typename F::Scale convert(int k, Value value, Put put) {
  const typename F::Scale scale = F::measure(k, value);
  for (int word = lane_index(); word < n_words(k, F::kFormat); word += 32) put(word, F::word(scale, word * F::kPerWord, k, value));
  return scale;
}

/// For formats with scales, by one lane: *to = what a step of the scale stands for.
template <class F>
__device__ void keep_scale(const typename F::Scale& scale, float* to) {
  if constexpr (F::kHasScales) {
    if (lane_index() == 0) *to = scale.unit;
  }
}
template <class F>
__device__ void keep_scale(const typename F::Scale& scale, const SharedRows& rows, int row) {
  if constexpr (F::kHasScales) {
    if (lane_index() == 0) rows.scales.write(row, scale.unit);
  }
}

/// Up to kMaxRows rows of k numbers, of which shared memory holds a slice of kSliceSteps steps at a time. Each warp has a row, value(i)
/// its number i; a row that does not exist is zeros, so that a product of eight finds numbers.
template <class F, class Value>
class SlicedRows {
 public:
  __device__ SlicedRows(const SharedRows& memory, int k, bool exists, Value value)
      : memory_(memory), k_(k), exists_(exists), value_(value) {
    if (exists) scale_ = F::measure(k, value);
    keep_scale<F>(scale_, memory, warp_index());
  }

  /// The block's memory holds the slice that begins with step `first`. Barriers where it has to be brought.
  __device__ void bring(int first) {
    if (in_memory_ == first) return;
    if (in_memory_ >= 0) __syncthreads();
    const int first_word = first * kStepWords;
    const int n_left = n_words(k_, F::kFormat) - first_word;
    const int n = n_left < kSliceSteps * kStepWords ? n_left : kSliceSteps * kStepWords;
    for (int word = lane_index(); word < n; word += 32) {
      memory_.words.write(warp_index() * memory_.stride + word,
                          exists_ ? F::word(scale_, (first_word + word) * F::kPerWord, k_, value_) : 0U);
    }
    in_memory_ = first;
    __syncthreads();
  }
  __device__ const SharedRows& memory() const { return memory_; }

 private:
  SharedRows memory_;
  int k_;
  bool exists_;
  Value value_;
  typename F::Scale scale_{};
  int in_memory_ = -1;
};

constexpr int slice_steps(int k, Format format) { return n_steps(k, format) < kSliceSteps ? n_steps(k, format) : kSliceSteps; }
constexpr int slice_bytes(int k, Format format) { return rows_bytes(slice_steps(k, format), kMaxRows); }
template <class F>
__device__ SharedRows take_slice(SharedSpace& space, int k) {
  return take_rows(space, slice_steps(k, F::kFormat), kMaxRows);
}
template <class F, class Value>
__device__ SlicedRows<F, Value> sliced(const SharedRows& memory, int k, bool exists, Value value) {
  return {memory, k, exists, value};
}

/// The rows of x[n_rows, k].
template <class F>
__device__ auto plain_rows(const SharedRows& memory, int n_rows, const float* x, int k) {
  const float* of_row = x + static_cast<std::ptrdiff_t>(warp_index()) * k;
  return sliced<F>(memory, k, warp_index() < n_rows, [=](int i) { return of_row[i]; });
}
/// The rows of x[n_rows, k] RMSNormed, times gain[k].
template <class F>
__device__ auto normed_rows(const SharedRows& memory, int n_rows, const float* x, const float* gain, float eps, int k) {
  const float* of_row = x + static_cast<std::ptrdiff_t>(warp_index()) * k;
  const bool exists = warp_index() < n_rows;
  const float scale = exists ? inverse_rms(k, eps, [=](int i) { return of_row[i]; }) : 0.0F;
  return sliced<F>(memory, k, exists, [=](int i) { return of_row[i] * scale * gain[i]; });
}

}  // namespace octet::kernels::cuda

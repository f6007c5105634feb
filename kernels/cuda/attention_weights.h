// What the exponentials of a softmax become for the product with values, in each format. Included by .cu files.
#pragma once

#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {

inline constexpr int kQueries = 8;  // at a time: the columns of an mma
// Words from row to row: an odd multiple of four, so that eight rows begin in different banks.
constexpr int row_of_keys(Format format) { return attention_keys(format) / per_word(format) + 4; }
constexpr int score_stride(Format format) { return attention_keys(format) + 4; }

__device__ inline float warp_max(float x) {
#pragma unroll
  for (int width = 16; width > 0; width /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, x, width);
    x = other > x ? other : x;
  }
  return x;
}

/// A lane's part for a of 16 rows in shared memory, step k.
__device__ inline uint4 tile_fragment(const Shared<unsigned>& rows, int stride, int tile, int k) {
  const int at = (tile * kTile + lane_index() / 4) * stride + k * kStepWords + lane_index() % 4;
  const int below = at + 8 * stride;
  return {rows.read(at), rows.read(below), rows.read(at + 4), rows.read(below + 4)};
}

/// For each query a row of weights, put there by its warp.
template <class F>
class AttentionWeights;

/// Integers of 15 bits: exponential times the value's scale, by a unit of the query. The bits are those of reference::attention_int8.
template <>
class AttentionWeights<Int8> {
 public:
  static constexpr int kStride = row_of_keys(Format::kInt8);
  static constexpr int kBytes = 2 * kQueries * kStride * 4 + shared_part(kQueries * 4);
  __device__ explicit AttentionWeights(SharedSpace& space)
      : high_(space.take<unsigned>(kQueries * kStride)),
        low_(space.take<unsigned>(kQueries * kStride)),
        units_(space.take<float>(kQueries)) {}

  /// Of the exponentials of slots [first, last), each of which this lane wrote where it is lane first + 32 i; no weight elsewhere.
  __device__ void put(const Shared<float>& exponentials, const float* value_scales, int first, int last) const {
    constexpr float kProbabilitySteps = 32767.0F;  // as kernels/reference/int8_ops.cpp
    constexpr float kSmallestWeight = 1e-33F;
    float largest = 0;
    for (int t = first + lane_index(); t < last; t += 32) {
      const float weight = exponentials.read(t) * value_scales[t];
      largest = weight > largest ? weight : largest;
    }
    largest = warp_max(largest);
    const float steps = largest < kSmallestWeight ? 0.0F : kProbabilitySteps / largest;
    for (int word = lane_index(); word < kKvBlock / 4; word += 32) {
      unsigned high = 0;
      unsigned low = 0;
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        const int t = 4 * word + j;
        if (t < first || t >= last) continue;
        const float weight = exponentials.read(t) * value_scales[t];
        const auto p = static_cast<unsigned>(round_even((weight > 0 ? weight : 0.0F) * steps));
        high |= (p >> kLowBits) << (8 * j);
        low |= (p & ((1U << kLowBits) - 1)) << (8 * j);
      }
      high_.write(warp_index() * kStride + word, high);
      low_.write(warp_index() * kStride + word, low);
    }
    if (lane_index() == 0) units_.write(warp_index(), largest / kProbabilitySteps);
  }
  /// Of a query that sees nothing.
  __device__ void clear() const {
    for (int word = lane_index(); word < kKvBlock / 4; word += 32) {
      high_.write(warp_index() * kStride + word, 0U);
      low_.write(warp_index() * kStride + word, 0U);
    }
    if (lane_index() == 0) units_.write(warp_index(), 0.0F);
  }
  /// mixed = tile of values . weights, by the warp.
  __device__ void mix(const Shared<unsigned>& values, int tile, float (&mixed)[4]) const {
    int high[4] = {};
    int low[4] = {};
    for (int k = 0; k < n_steps(kKvBlock, Format::kInt8); ++k) {
      const uint4 a = tile_fragment(values, kStride, tile, k);
      const int word = lane_index() / 4 * kStride + k * kStepWords + lane_index() % 4;
      mma_s8_u8(high, a, {high_.read(word), high_.read(word + 4)});
      mma_s8_u8(low, a, {low_.read(word), low_.read(word + 4)});
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) mixed[i] = static_cast<float>(high[i] * (1 << kLowBits) + low[i]) * units_.read(sum_row(lane_index(), i));
  }

 private:
  static constexpr int kLowBits = 7;
  Shared<unsigned> high_, low_;  // [kQueries][kStride] four weights a word
  Shared<float> units_;          // [kQueries] of a step of the weights
};

/// The exponentials in bf16.
template <>
class AttentionWeights<Bf16> {
 public:
  static constexpr int kStride = row_of_keys(Format::kBf16);
  static constexpr int kBytes = kQueries * kStride * 4;
  __device__ explicit AttentionWeights(SharedSpace& space) : words_(space.take<unsigned>(kQueries * kStride)) {}

  __device__ void put(const Shared<float>& exponentials, const float*, int first, int last) const {
    const auto weight = [&](int t) { return t < first || t >= last ? 0.0F : exponentials.read(t); };
    for (int word = lane_index(); word < kKeys / 2; word += 32) {
      words_.write(warp_index() * kStride + word, bf16_pair(weight(2 * word), weight(2 * word + 1)));
    }
  }
  __device__ void clear() const {
    for (int word = lane_index(); word < kKeys / 2; word += 32) words_.write(warp_index() * kStride + word, 0U);
  }
  __device__ void mix(const Shared<unsigned>& values, int tile, float (&mixed)[4]) const {
#pragma unroll
    for (int i = 0; i < 4; ++i) mixed[i] = 0;
    for (int k = 0; k < n_steps(kKeys, Format::kBf16); ++k) {
      const int word = lane_index() / 4 * kStride + k * kStepWords + lane_index() % 4;
      mma_bf16_bf16(mixed, tile_fragment(values, kStride, tile, k), {words_.read(word), words_.read(word + 4)});
    }
  }

 private:
  static constexpr int kKeys = attention_keys(Format::kBf16);
  Shared<unsigned> words_;  // [kQueries][kStride] two weights a word
};

}  // namespace octet::kernels::cuda

// The two formats as types, for kernels that are templates over them: how a row of floats becomes words, what multiplies words, what a
// sum stands for. Included by .cu files.
#pragma once

#include <bit>

#include "kernels/cuda/bf16.h"
#include "kernels/cuda/layout.h"
#include "kernels/cuda/machine.h"
#include "kernels/reference/math.h"

namespace octet::kernels::cuda {

inline constexpr unsigned kAllLanes = 0xFFFFFFFFU;

__device__ inline int warp_index() { return static_cast<int>(threadIdx.x) / 32; }
__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % 32; }

/// To the nearest, halves to even, for |x| < 2^22.
__device__ inline std::int32_t round_even(float x) {
  return std::bit_cast<std::int32_t>(x + reference::kRoundToInt) - reference::kRoundToIntBits;
}

/// The bits are those of kernels/int8/rows.h.
struct Int8 {
  static constexpr Format kFormat = Format::kInt8;
  static constexpr int kPerWord = per_word(kFormat);
  static constexpr bool kHasScales = true;
  using Number = std::uint8_t;  // as it lies in memory
  using Sum = int;

  /// How many integers a number of 1 has, and the reverse.
  struct Scale {
    float steps = 0;
    float unit = 0;
  };
  /// For value(i), i < k, by the warp. Magnitudes are compared as integers: there NaN and infinity are above all numbers.
  template <class Value>
  __device__ static Scale measure(int k, Value value) {
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
    if (bits >= kInfinityBits) return {0.0F, std::bit_cast<float>(0x7FC00000U)};
    const float largest = std::bit_cast<float>(bits);
    return largest < kSmallest ? Scale{} : Scale{127.0F / largest, largest / 127.0F};
  }
  /// The word of value(i) from i = first on, zeros behind k.
  template <class Value>
  __device__ static unsigned word(const Scale& scale, int first, int k, Value value) {
    unsigned four = 0;
#pragma unroll
    for (int j = 0; j < kPerWord; ++j) {
      const std::int32_t q = scale.steps == 0.0F || first + j >= k ? 0 : round_even(value(first + j) * scale.steps);
      four |= (static_cast<unsigned>(q) & 0xFFU) << (8 * j);
    }
    return four;
  }
  __device__ static void multiply(int (&sums)[4], uint4 a, uint2 b) { mma_s8_s8(sums, a, b); }
  /// Number i of a table, in row `row`.
  __device__ static float look_up(const Table& table, std::int64_t row, std::int64_t i) {
    return static_cast<float>(static_cast<const std::int8_t*>(table.values)[i]) * table.scales[row];
  }
};

struct Bf16 {
  static constexpr Format kFormat = Format::kBf16;
  static constexpr int kPerWord = per_word(kFormat);
  static constexpr bool kHasScales = false;
  using Number = std::uint16_t;
  using Sum = float;

  struct Scale {};
  template <class Value>
  __device__ static Scale measure(int, Value) {
    return {};
  }
  template <class Value>
  __device__ static unsigned word(const Scale&, int first, int k, Value value) {
    return bf16_pair(first < k ? value(first) : 0.0F, first + 1 < k ? value(first + 1) : 0.0F);
  }
  __device__ static void multiply(float (&sums)[4], uint4 a, uint2 b) { mma_bf16_bf16(sums, a, b); }
  __device__ static float look_up(const Table& table, std::int64_t, std::int64_t i) {
    return from_bf16(static_cast<const std::uint16_t*>(table.values)[i]);
  }
};

}  // namespace octet::kernels::cuda

// Floats to quantised rows, and the small element-wise parts between products. Included by int8_kernels.cpp alone.
#pragma once

#include "kernels/cpu/vec8.h"
#include "kernels/int8/packed.h"

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr float kSmallest = 1e-30F;  // as kernels/reference/int8_ops.cpp
constexpr std::int32_t kInfinityBits = 0x7F800000;

/// To the nearest, halves to even, for |x| < 2^22.
OCTET_INLINE VecInt round_even(Vec x) {
  const Vec shifted = x + reference::kRoundToInt;
  return reinterpret_cast<const VecInt&>(shifted) - reference::kRoundToIntBits;
}

OCTET_INLINE std::int32_t max_of(VecInt x) {
  std::int32_t best = x[0];
  for (int i = 1; i < kVec; ++i) best = x[i] > best ? x[i] : best;
  return best;
}

/// Quantises value(i, how many), the vector of the numbers from i on, zeros behind k, with put(i, q) taking the integers; returns
/// the scale. Magnitudes are compared as integers: there NaN and infinity are above all numbers.
template <class Value, class Put>
OCTET_INLINE float quantize_values(int k, Value value, Put put) {
  VecInt largest_bits = {};
  for_vectors(k, [&](int i, auto n) {
    const Vec x = value(i, n);
    const VecInt bits = reinterpret_cast<const VecInt&>(x) & 0x7FFFFFFF;
    largest_bits = bits > largest_bits ? bits : largest_bits;
  });
  const std::int32_t bits = max_of(largest_bits);
  const float largest = __builtin_bit_cast(float, bits);
  const bool is_finite = bits < kInfinityBits;
  if (!is_finite || largest < kSmallest) {
    for (int i = 0; i < k; i += kVec) put(i, VecInt{});
    return is_finite ? 0.0F : __builtin_nanf("");
  }
  const float steps = 127.0F / largest;
  for_vectors(k, [&](int i, auto n) { put(i, round_even(value(i, n) * steps)); });
  return largest / 127.0F;
}

template <class Value>
OCTET_INLINE void quantize_row(int k, int8::Rows out, int row, Value value) {
  const auto stride = static_cast<std::ptrdiff_t>(int8::row_bytes(k));
  std::uint8_t* values = out.values + row * stride;
  out.scales[row] = quantize_values(k, value, [&](int i, VecInt q) { store_row(values, stride / 2, i, q); });
}

void quantize(const float* x, int m, int k, int8::Rows out) {
  for (int row = 0; row < m; ++row, x += k) {
    quantize_row(k, out, row, [&](int i, auto n) { return load_part(x + i, n); });
  }
}

/// 1 / sqrt(mean(x^2) + eps), the sum in the order of reference::dot.
OCTET_INLINE float inverse_rms(const float* x, int k, float eps) {
  Vec sums[2] = {};
  int i = 0;
  for (; i + kLanes <= k; i += kLanes) {
    const Vec low = load(x + i);
    const Vec high = load(x + i + kVec);
    sums[0] += low * low;
    sums[1] += high * high;
  }
  for (int half = 0; i < k; i += kVec, ++half) {
    const Vec part = load_part(x + i, k - i);
    sums[half] += part * part;
  }
  return 1.0F / __builtin_sqrtf(fold(sums[0], sums[1]) / static_cast<float>(k) + eps);
}

void norm_quantize(const float* x, const float* gain, float eps, int m, int k, int8::Rows out) {
  for (int row = 0; row < m; ++row, x += k) {
    const float scale = inverse_rms(x, k, eps);
    if (gain == nullptr) {
      quantize_row(k, out, row, [&](int i, auto n) { return load_part(x + i, n) * scale; });
    } else {
      quantize_row(k, out, row, [&](int i, auto n) { return load_part(x + i, n) * scale * load_part(gain + i, n); });
    }
  }
}

void rotate(float* heads, const float* gain, float eps, const float* cosine, const float* sine, int n_heads, int head_dim) {
  const int half = head_dim / 2;
  for (int head = 0; head < n_heads; ++head, heads += head_dim) {
    const float scale = inverse_rms(heads, head_dim, eps);
    for_vectors(half, [&](int i, auto n) {
      const Vec u = load_part(heads + i, n) * scale * load_part(gain + i, n);
      const Vec w = load_part(heads + half + i, n) * scale * load_part(gain + half + i, n);
      const Vec c = load_part(cosine + i, n);
      const Vec s = load_part(sine + i, n);
      store_part(heads + i, u * c - w * s, n);
      store_part(heads + half + i, w * c + u * s, n);
    });
  }
}

void cell_update(float* c, const float* recur_c, const float* z, const float* embed_e, const float* gate_e, int r) {
  for_vectors(r, [&](int i, auto n) {
    const Vec entering = tanh(load_part(recur_c + i, n) + load_part(z + i, n) + load_part(embed_e + i, n));
    store_part(c + i, load_part(c + i, n) / 2.0F + entering * sigmoid(load_part(gate_e + i, n)), n);
  });
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

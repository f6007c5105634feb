#include "kernels/reference/int8_ops.h"

#include <bit>
#include <cmath>

#include "kernels/reference/math.h"
#include "kernels/reference/ops.h"

namespace octet::kernels::reference {
namespace {

constexpr std::int64_t kBlock = 256;
constexpr float kSmallest = 1e-30F;  // 127 / kSmallest is still finite
constexpr float kProbabilitySteps = 32767.0F;
constexpr float kSmallestWeight = 1e-33F;  // 32767 / kSmallestWeight is still finite

float fold(float* lanes) {
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  return lanes[0];
}

/// To the nearest, halves to even, for |x| < 2^22.
std::int32_t round_even(float x) { return std::bit_cast<std::int32_t>(x + kRoundToInt) - kRoundToIntBits; }

}  // namespace

float quantize_row(const float* x, int k, std::int8_t* q) {
  float largest = 0;
  bool is_finite = true;
  for (int i = 0; i < k; ++i) {
    is_finite = is_finite && std::isfinite(x[i]);
    largest = std::abs(x[i]) > largest ? std::abs(x[i]) : largest;
  }
  const bool is_zero = !is_finite || largest < kSmallest;
  const float steps = is_zero ? 0.0F : 127.0F / largest;
  for (int i = 0; i < k; ++i) q[i] = is_zero ? std::int8_t{0} : static_cast<std::int8_t>(round_even(x[i] * steps));
  if (!is_finite) return NAN;
  return is_zero ? 0.0F : largest / 127.0F;
}

std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, int k) {
  std::int32_t sum = 0;
  for (int i = 0; i < k; ++i) sum += a[i] * b[i];
  return sum;
}

float scaled(std::int32_t sum, float x_scale, float w_scale) { return static_cast<float>(sum) * (x_scale * w_scale); }

void attention_int8(const std::int8_t* q, float q_scale, float scale, const std::int8_t* keys, const float* key_scales,
                    const std::int8_t* values, const float* value_scales, std::int64_t begin, std::int64_t end, int head_dim, float* out) {
  const float factor = q_scale * scale;
  float largest_so_far = 0;
  float total = 0;
  for (int i = 0; i < head_dim; ++i) out[i] = 0;
  for (std::int64_t block = begin / kBlock; block * kBlock < end; ++block) {
    const std::int64_t first = block * kBlock < begin ? begin : block * kBlock;
    const std::int64_t last = (block + 1) * kBlock > end ? end : (block + 1) * kBlock;
    float weights[kBlock];
    float largest = -INFINITY;
    for (std::int64_t t = first; t < last; ++t) {
      const float score = static_cast<float>(dot_int8(q, keys + t * head_dim, head_dim)) * (factor * key_scales[t]);
      weights[t % kBlock] = score;
      largest = score > largest ? score : largest;
    }
    float lanes[kLanes] = {};
    float largest_weight = 0;
    for (std::int64_t t = first; t < last; ++t) {
      const float e = exp2(weights[t % kBlock] - largest);
      lanes[t % kLanes] += e;
      const float weight = e * value_scales[t];
      weights[t % kBlock] = weight;
      largest_weight = weight > largest_weight ? weight : largest_weight;
    }
    const float sum = fold(lanes);
    const bool is_first = block == begin / kBlock;
    const float joint = is_first || largest > largest_so_far ? largest : largest_so_far;
    const float keep = is_first ? 0.0F : exp2(largest_so_far - joint);
    const float enter = exp2(largest - joint);
    const float steps = largest_weight < kSmallestWeight ? 0.0F : kProbabilitySteps / largest_weight;
    const float unit = largest_weight / kProbabilitySteps;
    for (int i = 0; i < head_dim; ++i) {
      std::int32_t mixed = 0;
      for (std::int64_t t = first; t < last; ++t)
        mixed += round_even((weights[t % kBlock] > 0 ? weights[t % kBlock] : 0.0F) * steps) * values[t * head_dim + i];
      out[i] = out[i] * keep + (static_cast<float>(mixed) * unit) * enter;
    }
    total = total * keep + sum * enter;
    largest_so_far = joint;
  }
  for (int i = 0; i < head_dim; ++i) out[i] = out[i] / total;
}

}  // namespace octet::kernels::reference

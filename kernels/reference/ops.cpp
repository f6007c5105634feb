#include "kernels/reference/ops.h"

#include <cmath>

#include "kernels/reference/math.h"

namespace octet::kernels::reference {
namespace {

float fold(float* lanes) {
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) lanes[j] += lanes[j + width];
  }
  return lanes[0];
}

}  // namespace

float dot(const float* a, const float* b, int k) {
  float lanes[kLanes] = {};
  for (int i = 0; i < k; ++i) lanes[i % kLanes] += a[i] * b[i];
  return fold(lanes);
}

void matmul(const float* x, const float* w, float* y, int m, int n, int k) {
  for (int row = 0; row < m; ++row) {
    for (int col = 0; col < n; ++col) {
      y[static_cast<std::ptrdiff_t>(row) * n + col] =
          dot(x + static_cast<std::ptrdiff_t>(row) * k, w + static_cast<std::ptrdiff_t>(col) * k, k);
    }
  }
}

void rms_norm(const float* x, const float* gain, float eps, float* y, int m, int d) {
  for (int row = 0; row < m; ++row, x += d, y += d) {
    const float scale = 1.0F / std::sqrt(dot(x, x, d) / static_cast<float>(d) + eps);
    for (int i = 0; i < d; ++i) y[i] = gain != nullptr ? x[i] * scale * gain[i] : x[i] * scale;
  }
}

void rope_angles(std::int64_t pos, double theta, int half, float* cosine, float* sine) {
  for (int j = 0; j < half; ++j) {
    const double angle = static_cast<double>(pos) * std::pow(theta, -static_cast<double>(j) / half);
    cosine[j] = static_cast<float>(std::cos(angle));
    sine[j] = static_cast<float>(std::sin(angle));
  }
}

void rope_rotate(float* heads, const float* cosine, const float* sine, int n_heads, int half) {
  for (int head = 0; head < n_heads; ++head, heads += 2 * static_cast<std::ptrdiff_t>(half)) {
    for (int j = 0; j < half; ++j) {
      const float u = heads[j];
      const float w = heads[j + half];
      heads[j] = u * cosine[j] - w * sine[j];
      heads[j + half] = w * cosine[j] + u * sine[j];
    }
  }
}

void attention(const float* q, const float* keys, const float* values, std::int64_t begin, std::int64_t end, AttentionShape shape,
               float* scores, float* out) {
  const int group = shape.n_heads / shape.n_kv_heads;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(shape.n_kv_heads) * shape.head_dim;
  for (int head = 0; head < shape.n_heads; ++head, q += shape.head_dim, out += shape.head_dim) {
    const std::ptrdiff_t kv_offset = static_cast<std::ptrdiff_t>(head / group) * shape.head_dim;
    const std::int64_t n = end - begin;
    float largest = -INFINITY;
    for (std::int64_t t = 0; t < n; ++t) {
      scores[t] = dot(q, keys + (begin + t) * stride + kv_offset, shape.head_dim);
      largest = scores[t] > largest ? scores[t] : largest;
    }
    float lanes[kLanes] = {};
    for (std::int64_t t = 0; t < n; ++t) {
      scores[t] = exp(scores[t] - largest);
      lanes[t % kLanes] += scores[t];
    }
    const float total = fold(lanes);
    for (int i = 0; i < shape.head_dim; ++i) {
      float sum = 0;
      for (std::int64_t t = 0; t < n; ++t) sum += scores[t] * values[(begin + t) * stride + kv_offset + i];
      out[i] = sum / total;
    }
  }
}

void swiglu(const float* gate, const float* up, float* out, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) out[i] = silu(gate[i]) * up[i];
}

void add(float* x, const float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] += y[i];
}

void scale(float* x, float factor, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] *= factor;
}

void cell_update(float* c, const float* recur_c, const float* z, const float* embed_e, const float* gate_e, int r) {
  for (int i = 0; i < r; ++i) c[i] = c[i] / 2.0F + tanh(recur_c[i] + z[i] + embed_e[i]) * sigmoid(gate_e[i]);
}

int masked_argmax(const float* x, const bool* allowed, int n) {
  int best = n;
  for (int i = 0; i < n; ++i) {
    if (allowed[i] && !std::isnan(x[i]) && (best == n || x[i] > x[best])) best = i;
  }
  return best;
}

float masked_softmax_at(const float* x, const bool* allowed, int n, int chosen) {
  float lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) {
    if (allowed[i]) lanes[i % kLanes] += exp(x[i] - x[chosen]);
  }
  return 1.0F / fold(lanes);
}

}  // namespace octet::kernels::reference

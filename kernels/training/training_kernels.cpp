// One source for every instruction set; OCTET_ISA names the namespace. Pure file: no functions or templates of the
// standard library, so that the linker can never choose a copy compiled for a newer processor for the rest of the program.
#include "kernels/training/training_kernels.h"

#include "kernels/training/attention_blocks.h"
#include "kernels/training/attention_pairs.h"
#include "kernels/training/vec.h"

#define OCTET_STRING_(x) #x
#define OCTET_STRING(x) OCTET_STRING_(x)

namespace octet::kernels::OCTET_ISA {
namespace {

OCTET_INLINE float inverse_root(float x) { return 1.0F / __builtin_sqrtf(x); }

template <typename E>
void rms_norm(const float* x, const float* gain, E* y, float* inverse_rms, std::int64_t n_rows, int d, float eps) {
  for (std::int64_t row = 0; row < n_rows; ++row, x += d, y += d) {
    Vec squares = {};
    for (int i = 0; i < d; i += kVec) squares += load(x + i) * load(x + i);
    inverse_rms[row] = inverse_root(sum(squares) / static_cast<float>(d) + eps);
    for (int i = 0; i < d; i += kVec) store(y + i, load(x + i) * inverse_rms[row] * load(gain + i));
  }
}

/// With u = x * r, r = inverse_rms: dx = r * (gain * dy - u * mean(gain * dy * u)); dgain += dy * u.
template <typename E>
void rms_norm_backward(const float* x, const float* gain, const float* inverse_rms, const E* grad_y, float* grad_x, float* grad_gain,
                       std::int64_t n_rows, int d) {
  for (std::int64_t row = 0; row < n_rows; ++row, x += d, grad_y += d, grad_x += d) {
    const float r = inverse_rms[row];
    Vec dots = {};
    for (int i = 0; i < d; i += kVec) dots += load(gain + i) * load(grad_y + i) * load(x + i);
    const float mean = sum(dots) * r / static_cast<float>(d);
    for (int i = 0; i < d; i += kVec) {
      const Vec u = load(x + i) * r;
      const Vec dy = load(grad_y + i);
      store(grad_x + i, (load(gain + i) * dy - u * mean) * r);
      store(grad_gain + i, load(grad_gain + i) + dy * u);
    }
  }
}

template <typename E>
void norm_rope(const E* x, const float* gain, const float* cosine, const float* sine, float scale, float eps, E* y, float* inverse_rms,
               NormRopeShape shape) {
  const int half = shape.head_dim / 2;
  for (std::int64_t row = 0; row < shape.n_rows; ++row) {
    const float* c = cosine + (row % shape.n_positions) * half;
    const float* s = sine + (row % shape.n_positions) * half;
    for (int head = 0; head < shape.n_heads; ++head, x += shape.head_dim, y += shape.head_dim, ++inverse_rms) {
      Vec squares = {};
      for (int i = 0; i < shape.head_dim; i += kVec) squares += load(x + i) * load(x + i);
      *inverse_rms = inverse_root(sum(squares) / static_cast<float>(shape.head_dim) + eps);
      const float factor = *inverse_rms * scale;
      for (int i = 0; i < half; i += kVec) {
        const Vec u = load(x + i) * load(gain + i) * factor;
        const Vec w = load(x + half + i) * load(gain + half + i) * factor;
        store(y + i, u * load(c + i) - w * load(s + i));
        store(y + half + i, w * load(c + i) + u * load(s + i));
      }
    }
  }
}

/// The rotation's transpose, then the gradient of RMSNorm.
template <typename E>
void norm_rope_backward(const E* x, const float* gain, const float* cosine, const float* sine, float scale, const float* inverse_rms,
                        const E* grad_y, E* grad_x, float* grad_gain, NormRopeShape shape) {
  const int half = shape.head_dim / 2;
  float head_x[kMaxHeadDim];
  float rotated[kMaxHeadDim];
  for (std::int64_t row = 0; row < shape.n_rows; ++row) {
    const float* c = cosine + (row % shape.n_positions) * half;
    const float* s = sine + (row % shape.n_positions) * half;
    for (int head = 0; head < shape.n_heads; ++head, ++inverse_rms) {
      for (int i = 0; i < half; i += kVec) {
        const Vec du = load(grad_y + i);
        const Vec dw = load(grad_y + half + i);
        store(rotated + i, (du * load(c + i) + dw * load(s + i)) * scale);
        store(rotated + half + i, (dw * load(c + i) - du * load(s + i)) * scale);
      }
      for (int i = 0; i < shape.head_dim; i += kVec) store(head_x + i, load(x + i));
      rms_norm_backward(head_x, gain, inverse_rms, rotated, rotated, grad_gain, 1, shape.head_dim);
      for (int i = 0; i < shape.head_dim; i += kVec) store(grad_x + i, load(rotated + i));
      x += shape.head_dim;
      grad_y += shape.head_dim;
      grad_x += shape.head_dim;
    }
  }
}

template <typename E>
void swiglu(const E* gate, const E* up, E* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kVec) {
    const Vec g = load(gate + i);
    store(y + i, g / (1.0F + exp(-g)) * load(up + i));
  }
}

/// silu'(g) = sigmoid(g) * (1 + g * (1 - sigmoid(g))).
template <typename E>
void swiglu_backward(const E* gate, const E* up, const E* grad_y, E* grad_gate, E* grad_up, std::int64_t n) {
  for (std::int64_t i = 0; i < n; i += kVec) {
    const Vec g = load(gate + i);
    const Vec dy = load(grad_y + i);
    const Vec sigmoid = 1.0F / (1.0F + exp(-g));
    const Vec silu = g * sigmoid;
    store(grad_up + i, dy * silu);
    store(grad_gate + i, dy * load(up + i) * (sigmoid + silu * (1.0F - sigmoid)));
  }
}

template <typename E>
double cross_entropy(E* logits, std::int64_t stride, const std::int16_t* targets, float weight, std::int64_t n_rows) {
  constexpr int kClasses = 256;
  float row_values[kClasses];
  double nats = 0;
  for (std::int64_t row = 0; row < n_rows; ++row, logits += stride) {
    if (targets[row] < 0) {
      for (int i = 0; i < kClasses; i += kVec) store(logits + i, Vec{});
      continue;
    }
    Vec highest = load(logits);
    for (int i = kVec; i < kClasses; i += kVec) highest = max(highest, load(logits + i));
    const float top = max_of(highest);
    const float own = value_of(logits[targets[row]]) - top;
    Vec total = {};
    for (int i = 0; i < kClasses; i += kVec) {
      const Vec e = exp(load(logits + i) - top);
      total += e;
      store(row_values + i, e);
    }
    const float denominator = sum(total);
    nats += __builtin_log(static_cast<double>(denominator)) - static_cast<double>(own);
    const float factor = weight / denominator;
    for (int i = 0; i < kClasses; i += kVec) store(row_values + i, load(row_values + i) * factor);
    row_values[targets[row]] -= weight;
    for (int i = 0; i < kClasses; i += kVec) store(logits + i, load(row_values + i));
  }
  return nats;
}

template <typename E>
constexpr TypedTrainingKernels<E> kTyped{rms_norm<E>,        rms_norm_backward<E>, norm_rope<E>, norm_rope_backward<E>, swiglu<E>,
                                         swiglu_backward<E>, cross_entropy<E>,     attention,    attention_backward};

}  // namespace

extern const TrainingKernels kTable;
const TrainingKernels kTable{OCTET_STRING(OCTET_ISA), kVec, kTyped<float>, kTyped<Bf16>};

}  // namespace octet::kernels::OCTET_ISA

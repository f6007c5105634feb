// The memory-bound parts of a training pass, forward and backward, fused so that each activation is read and written
// once; the large matrix products stay with the BLAS.
//
// Thread-compatible: pure functions of their arguments. The sums of one call have a fixed order, so equal inputs give
// equal bits on one machine; instruction sets differ in rounding (FMA). The oracle is the composition of plain
// differentiable operations that tests/training compares with.
// All pointers: row-major, 4-byte alignment, no aliasing unless said.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace octet::kernels {

/// Rows are positions of n_rows / n_positions sequences, one sequence after another.
struct NormRopeShape {
  std::int64_t n_rows = 0;
  std::int64_t n_positions = 0;  // a row's position is row_idx % n_positions
  int n_heads = 0;
  int head_dim = 0;  // multiple of 2 * lanes, at most kMaxHeadDim
};

/// One sequence.
struct TrainingAttentionShape {
  int n_positions = 0;  // multiple of kAttentionBlock
  int n_heads = 0;
  int n_kv_heads = 0;  // divides n_heads
  int head_dim = 0;    // multiple of 2 * lanes
  int window = 0;      // 0 = all earlier positions, W = itself and the W-1 before it
};

inline constexpr int kMaxHeadDim = 256;

/// Queries are handled in blocks of so many positions: keys of a block are loaded once for all of them.
inline constexpr int kAttentionBlock = 64;

/// Of so many keys at a time the backward pass in bfloat16 computes scores: those of a block and their gradients stay in the
/// second cache.
inline constexpr int kAttentionKeys = 128;

/// Floats of scratch that attention and attention_backward need in either type; most of it holds one
/// head's keys and values packed, and their gradients in float.
constexpr std::int64_t attention_scratch_floats(const TrainingAttentionShape& s) {
  return std::int64_t{4} * s.head_dim * s.n_positions + std::int64_t{2} * kAttentionBlock * s.n_positions +
         std::int64_t{2} * kAttentionBlock * s.head_dim + 4 * kAttentionBlock * kAttentionKeys;
}

/// A bfloat16: the upper half of a float.
enum class Bf16 : std::uint16_t {};

/// E: the type of what stands between two matrix products, float or Bf16. The residual stream, gains and sums are float in
/// both. In Bf16 the products of attention multiply bfloat16 and add up in float; its softmax is float.
template <typename E>
struct TypedTrainingKernels {
  /// y[r, d] = x[r, d] * inverse_rms[r] * gain[d] with inverse_rms[r] = 1 / sqrt(mean_d(x[r, d]^2) + eps). d: multiple of `lanes`.
  void (*rms_norm)(const float* x, const float* gain, E* y, float* inverse_rms, std::int64_t n_rows, int d, float eps);
  /// grad_x[n_rows, d] is overwritten; grad_gain[d] is added to.
  void (*rms_norm_backward)(const float* x, const float* gain, const float* inverse_rms, const E* grad_y, float* grad_x, float* grad_gain,
                            std::int64_t n_rows, int d);

  /// Each head of x[n_rows, n_heads, head_dim]: RMSNorm with gain[head_dim], RoPE by halves, times `scale`.
  /// cosine, sine: [n_positions, head_dim / 2]; inverse_rms: [n_rows, n_heads].
  void (*norm_rope)(const E* x, const float* gain, const float* cosine, const float* sine, float scale, float eps, E* y, float* inverse_rms,
                    NormRopeShape shape);
  /// grad_x is overwritten; grad_gain[head_dim] is added to.
  void (*norm_rope_backward)(const E* x, const float* gain, const float* cosine, const float* sine, float scale, const float* inverse_rms,
                             const E* grad_y, E* grad_x, float* grad_gain, NormRopeShape shape);

  /// y = silu(gate) * up, n elements (multiple of `lanes`).
  void (*swiglu)(const E* gate, const E* up, E* y, std::int64_t n);
  void (*swiglu_backward)(const E* gate, const E* up, const E* grad_y, E* grad_gate, E* grad_up, std::int64_t n);

  /// Softmax cross-entropy over 256 classes. logits: n_rows rows of 256, `stride` elements apart; targets[n_rows], negative =
  /// no target. The logits become (softmax - onehot) * weight, 0 where there is no target; the sum of the losses in nats is
  /// returned without the weight.
  double (*cross_entropy)(E* logits, std::int64_t stride, const std::int16_t* targets, float weight, std::int64_t n_rows);

  /// Causal attention inside the window; q is scaled already. q, out: [n_positions, n_heads, head_dim]; k, v:
  /// [n_positions, n_kv_heads, head_dim]; log_sum: [n_heads, n_positions], the logarithm of each softmax's denominator.
  void (*attention)(const E* q, const E* k, const E* v, E* out, float* log_sum, TrainingAttentionShape shape, float* scratch);
  /// grad_q, grad_k, grad_v are overwritten.
  void (*attention_backward)(const E* q, const E* k, const E* v, const E* out, const float* log_sum, const E* grad_out, E* grad_q,
                             E* grad_k, E* grad_v, TrainingAttentionShape shape, float* scratch);
};

struct TrainingKernels {
  const char* isa;
  int lanes;  // floats in a vector: 8 or 16. head_dim must be a multiple of 2 * lanes

  TypedTrainingKernels<float> f32;
  TypedTrainingKernels<Bf16> bf16;
};

/// What this processor can run, best first; the last entry ("baseline") runs everywhere.
std::span<const TrainingKernels* const> supported_training_kernels();

}  // namespace octet::kernels

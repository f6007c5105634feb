// The differentiable operations of the network. On CPU tensors of type float or bfloat16 they run fused kernels with a
// backward pass of their own; for anything else (double, a GPU) they are compositions of LibTorch's operations, which the
// tests take as the oracle.
//
// Mixed precision: what matrix products read and write may be bfloat16, those inside attention too; the residual stream, the
// softmax of attention, parameters and their gradients stay float.
//
// Thread-compatible: concurrent calls on different tensors are safe. Rows are positions of sequences of equal length, one
// sequence after another.
#pragma once

#include <torch/types.h>

#include "bytemodel/model_config.h"

namespace octet::bytemodel::training {

/// x[n, d] / sqrt(mean(x^2) + eps) * gain[d], as `type`: that of x, or bfloat16.
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& gain, double eps, torch::Dtype type);

/// x[n, in] * weight[out, in]^T, of x's type. For bfloat16 `cast` is the weight in that type; the weight's gradient is float.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& cast);

/// cos and sin of position * theta^(-j / (head_dim / 2)), [n_positions, head_dim / 2] each.
struct RopeTable {
  torch::Tensor cosine;
  torch::Tensor sine;
};
RopeTable make_rope_table(std::int64_t n_positions, int head_dim, double theta, const torch::TensorOptions& options);

/// Each head of x[n, heads * head_dim]: RMSNorm with gain[head_dim], RoPE by halves, times `scale`; of x's type.
torch::Tensor norm_rope(const torch::Tensor& x, const torch::Tensor& gain, const RopeTable& rope, double scale, double eps);

/// silu(gate) * up.
torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up);

struct AttentionShape {
  std::int64_t n_positions = 0;  // of one sequence
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  int window = 0;
};

/// Causal attention inside the window of each sequence; q[n, n_heads * head_dim] is scaled already, k and v are
/// [n, n_kv_heads * head_dim], all of one type. -> [n, n_heads * head_dim] of that type.
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, const AttentionShape& shape);

/// The compositions, for any type and device.
namespace composed {
torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& gain, double eps, torch::Dtype type);
torch::Tensor norm_rope(const torch::Tensor& x, const torch::Tensor& gain, const RopeTable& rope, double scale, double eps);
torch::Tensor swiglu(const torch::Tensor& gate, const torch::Tensor& up);
torch::Tensor attention(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v, const AttentionShape& shape);
}  // namespace composed

}  // namespace octet::bytemodel::training

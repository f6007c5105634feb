// Every operation of the byte model in plain scalar C++: the specification and the oracle of the fast kernels.
//
// Row-major, contiguous, f32. Pointers need the alignment of a float, must not overlap unless said, and are never kept.
// Every size is at least 1. Pure functions: no state, no allocation, no errors. Callers check sizes.
// Sums have one fixed order (dot(), below) that does not depend on how many rows are computed together, so that a
// position's result has the same bits alone and in a batch. Compile with -ffp-contract=off.
// Source: the model's FORMAT.md, "Forward".
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::reference {

/// Number of partial sums in dot().
inline constexpr int kLanes = 16;

/// sum_k a[k] * b[k]: lane j adds the products of k = j, j + 16, ... in order; the lanes are folded by halves
/// (lane j += lane j + 8, then + 4, + 2, + 1).
float dot(const float* a, const float* b, int k);

/// y[m,n] = x[m,k] . w[n,k]^T, each element a dot().
void matmul(const float* x, const float* w, float* y, int m, int n, int k);

/// y[m,d] = x / sqrt(mean(x^2) + eps) * gain, row by row; gain[d], or nullptr for 1. y may be x.
void rms_norm(const float* x, const float* gain, float eps, float* y, int m, int d);

/// cosine[half], sine[half] of the angles pos * theta^(-j/half), computed in double.
void rope_angles(std::int64_t pos, double theta, int half, float* cosine, float* sine);

/// Rotates n_heads heads of 2*half numbers in place: (u_j, w_j) -> (u_j cos_j - w_j sin_j, w_j cos_j + u_j sin_j), u the
/// first half of a head and w the second.
void rope_rotate(float* heads, const float* cosine, const float* sine, int n_heads, int half);

/// Attention of one position over the keys of positions [begin, end).
/// q[n_heads, head_dim], already scaled; keys and values [position, n_kv_heads, head_dim]; out[n_heads, head_dim];
/// scores is scratch for end - begin floats, rounded up to 16. Query head i reads key/value head i / (n_heads / n_kv_heads).
/// out_i = sum_t softmax_t(q_i . key_t) * value_t, t ascending.
struct AttentionShape {
  int n_heads;
  int n_kv_heads;
  int head_dim;
};
void attention(const float* q, const float* keys, const float* values, std::int64_t begin, std::int64_t end, AttentionShape shape,
               float* scores, float* out);

/// out[n] = silu(gate) * up. out may be gate.
void swiglu(const float* gate, const float* up, float* out, std::size_t n);

/// x[n] += y.
void add(float* x, const float* y, std::size_t n);

/// x[n] *= factor.
void scale(float* x, float factor, std::size_t n);

/// The draft cell's state: c[r] = c/2 + tanh(recur_c + z + embed_e) * sigmoid(gate_e), all of [r].
void cell_update(float* c, const float* recur_c, const float* z, const float* embed_e, const float* gate_e, int r);

/// Index of the largest of x[n] among those with allowed[i], the lowest index on a tie; n when none is allowed.
/// NaN is never chosen.
int masked_argmax(const float* x, const bool* allowed, int n);

/// exp(x[chosen]) / sum_i exp(x[i]) over the allowed i, in the order of dot().
float masked_softmax_at(const float* x, const bool* allowed, int n, int chosen);

}  // namespace octet::kernels::reference

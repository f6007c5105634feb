// Attention inside a window, block by block: scores of 64 queries and the keys that any of them sees stay in the cache.
// The backward pass computes the scores again from the saved logarithms of the denominators.
// Source: Dao et al. 2022 (FlashAttention), for a window.
#pragma once

#include "kernels/training/attention_products.h"
#include "kernels/training/attention_window.h"
#include "kernels/training/training_kernels.h"
#include "kernels/training/vec.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// out[head_dim, n_positions] = the transpose of one head of x, whose rows are `stride` floats apart.
OCTET_INLINE void transpose(const float* x, std::int64_t stride, float* out, int head_dim, int n_positions) {
  for (int t = 0; t < n_positions; ++t) {
    for (int i = 0; i < head_dim; ++i) out[static_cast<std::int64_t>(i) * n_positions + t] = x[t * stride + i];
  }
}

/// scores[r, :count] -> e^(score - subtract[r]) inside the visible columns, 0 outside.
OCTET_INLINE void exponentiate(float* row, int count, Columns visible, float subtract) {
  const int begin = visible.first - visible.first % kVec;
  for (int i = 0; i < begin; i += kVec) store(row + i, Vec{});
  int i = begin;
  for (; i <= visible.last; i += kVec) store(row + i, exp(load(row + i) - subtract));
  for (; i < count; i += kVec) store(row + i, Vec{});
  for (int j = begin; j < visible.first; ++j) row[j] = 0;
  const int end = visible.last - visible.last % kVec + kVec;
  for (int j = visible.last + 1; j < end; ++j) row[j] = 0;
}

OCTET_INLINE float sum_row(const float* row, int count) {
  Vec total = {};
  for (int i = 0; i < count; i += kVec) total += load(row + i);
  return sum(total);
}

void attention(const float* q, const float* k, const float* v, float* out, float* log_sum, TrainingAttentionShape shape, float* scratch) {
  const int T = shape.n_positions;
  const int D = shape.head_dim;
  const std::int64_t q_stride = static_cast<std::int64_t>(shape.n_heads) * D;
  const std::int64_t kv_stride = static_cast<std::int64_t>(shape.n_kv_heads) * D;
  const int group = shape.n_heads / shape.n_kv_heads;
  float* keys = scratch;                                        // [D, T]
  float* scores = keys + 2 * static_cast<std::int64_t>(D) * T;  // [kAttentionBlock, count]
  for (int head = 0; head < shape.n_heads; ++head) {
    const int kv_head = head / group;
    if (head % group == 0) transpose(k + kv_head * D, kv_stride, keys, D, T);
    for (int begin = 0; begin < T; begin += kAttentionBlock) {
      const KeyRange range = visible_keys(begin, shape.window);
      const float* q_block = q + begin * q_stride + head * D;
      multiply<false>({q_block, q_stride, 1}, plain(keys + range.begin, T), scores, range.count, kAttentionBlock, range.count, D);
      float inverse[kAttentionBlock];
      for (int r = 0; r < kAttentionBlock; ++r) {
        float* row = scores + static_cast<std::int64_t>(r) * range.count;
        const Columns visible = visible_columns(begin + r, shape.window, range);
        const float top = max_in(row, visible);
        exponentiate(row, range.count, visible, top);
        const float denominator = sum_row(row, range.count);
        log_sum[static_cast<std::int64_t>(head) * T + begin + r] =
            top + static_cast<float>(__builtin_log(static_cast<double>(denominator)));
        inverse[r] = 1.0F / denominator;
      }
      float* out_block = out + begin * q_stride + head * D;
      multiply<false>({scores, range.count, 1}, plain(v + range.begin * kv_stride + kv_head * D, kv_stride), out_block, q_stride,
                      kAttentionBlock, D, range.count);
      for (int r = 0; r < kAttentionBlock; ++r) {
        for (int i = 0; i < D; i += kVec) {
          store(out_block + r * q_stride + i, load(out_block + r * q_stride + i) * inverse[r]);
        }
      }
    }
  }
}

/// With P the softmax, dP = dO V^T and delta = rowsum(dO * O): dS = P * (dP - delta), dQ = dS K, dK = dS^T Q, dV = P^T dO.
void attention_backward(const float* q, const float* k, const float* v, const float* out, const float* log_sum, const float* grad_out,
                        float* grad_q, float* grad_k, float* grad_v, TrainingAttentionShape shape, float* scratch) {
  const int T = shape.n_positions;
  const int D = shape.head_dim;
  const std::int64_t q_stride = static_cast<std::int64_t>(shape.n_heads) * D;
  const std::int64_t kv_stride = static_cast<std::int64_t>(shape.n_kv_heads) * D;
  const int group = shape.n_heads / shape.n_kv_heads;
  float* keys = scratch;                                    // [D, T]
  float* values = keys + static_cast<std::int64_t>(D) * T;  // [D, T]
  float* scores = values + static_cast<std::int64_t>(D) * T;
  float* grad_scores = scores + static_cast<std::int64_t>(kAttentionBlock) * T;
  for (std::int64_t i = 0; i < T * kv_stride; ++i) grad_k[i] = grad_v[i] = 0;
  for (int head = 0; head < shape.n_heads; ++head) {
    const int kv_head = head / group;
    if (head % group == 0) {
      transpose(k + kv_head * D, kv_stride, keys, D, T);
      transpose(v + kv_head * D, kv_stride, values, D, T);
    }
    for (int begin = 0; begin < T; begin += kAttentionBlock) {
      const KeyRange range = visible_keys(begin, shape.window);
      const int n = range.count;
      const std::int64_t q_offset = begin * q_stride + head * D;
      const std::int64_t kv_offset = range.begin * kv_stride + kv_head * D;
      multiply<false>({q + q_offset, q_stride, 1}, plain(keys + range.begin, T), scores, n, kAttentionBlock, n, D);
      multiply<false>({grad_out + q_offset, q_stride, 1}, plain(values + range.begin, T), grad_scores, n, kAttentionBlock, n, D);
      for (int r = 0; r < kAttentionBlock; ++r) {
        float* row = scores + static_cast<std::int64_t>(r) * n;
        float* grad_row = grad_scores + static_cast<std::int64_t>(r) * n;
        const Columns visible = visible_columns(begin + r, shape.window, range);
        exponentiate(row, n, visible, log_sum[static_cast<std::int64_t>(head) * T + begin + r]);
        Vec dots = {};
        for (int i = 0; i < D; i += kVec) {
          dots += load(grad_out + q_offset + r * q_stride + i) * load(out + q_offset + r * q_stride + i);
        }
        const float delta = sum(dots);
        for (int i = 0; i < n; i += kVec) store(grad_row + i, load(row + i) * (load(grad_row + i) - delta));
      }
      multiply<false>({grad_scores, n, 1}, plain(k + kv_offset, kv_stride), grad_q + q_offset, q_stride, kAttentionBlock, D, n);
      multiply<true>({grad_scores, 1, n}, plain(q + q_offset, q_stride), grad_k + kv_offset, kv_stride, n, D, kAttentionBlock);
      multiply<true>({scores, 1, n}, plain(grad_out + q_offset, q_stride), grad_v + kv_offset, kv_stride, n, D, kAttentionBlock);
    }
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

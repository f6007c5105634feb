// Attention inside a window on bfloat16: its matrix products take pairs of numbers and add up in float, softmax and its
// gradient are float. As in attention_blocks.h, blocks of 64 queries meet the keys that any of them sees.
//
// A product over positions or over head_dim pairs neighbours along that axis. Rows in memory are pairs along head_dim; the
// other layouts are packed once a head (keys, values), once a block (queries) or when they are computed (probabilities).
// Source: Dao et al. 2022 (FlashAttention), for a window.
#pragma once

#include "kernels/training/attention_products.h"
#include "kernels/training/attention_window.h"
#include "kernels/training/training_kernels.h"
#include "kernels/training/vec.h"

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr int kPanel = 2 * kVec;

OCTET_INLINE const Bf16Pair* as_pairs(const Bf16* x) { return reinterpret_cast<const Bf16Pair*>(x); }

/// Rows of one head, `stride` numbers apart, as a left factor over head_dim.
OCTET_INLINE Strided<Bf16Pair> rows_of(const Bf16* x, std::int64_t stride) { return {as_pairs(x), stride / 2, 1}; }

/// out: the panels [head_dim / 2, kPanel positions] of one head of x, the right factor of a product over head_dim.
OCTET_INLINE void pack_transposed(const Bf16* x, std::int64_t stride, Bf16Pair* out, int head_dim, int n_positions) {
  for (int begin = 0; begin < n_positions; begin += kPanel) {
    for (int t = 0; t < kPanel; ++t) {
      const Bf16Pair* row = as_pairs(x + (begin + t) * stride);
      for (int i = 0; i < head_dim / 2; ++i) out[i * kPanel + t] = row[i];
    }
    out += head_dim / 2 * kPanel;
  }
}

/// out: the panels [n_positions / 2, kPanel of head_dim] of one head of x, the right factor of a product over positions.
OCTET_INLINE void pack(const Bf16* x, std::int64_t stride, Bf16Pair* out, int head_dim, int n_positions) {
  for (int panel = 0; panel < head_dim; panel += kPanel) {
    for (int t = 0; t < n_positions; t += 2) {
      const Bf16* row = x + t * stride + panel;
      for (int i = 0; i < kPanel; i += kVec, out += kVec) store(out, pairs(load_halves(row + i), load_halves(row + stride + i)));
    }
  }
}

/// Panels made by pack_transposed, from position `begin`, a multiple of kPanel.
OCTET_INLINE Panels<Bf16Pair> transposed_panels(const Bf16Pair* packed, int begin, int head_dim) {
  return {packed + static_cast<std::int64_t>(begin) * head_dim / 2, kPanel, static_cast<std::int64_t>(kPanel) * head_dim / 2};
}

/// Panels made by pack for n_positions, from position `begin`, an even one.
OCTET_INLINE Panels<Bf16Pair> panels(const Bf16Pair* packed, int begin, int n_positions) {
  return {packed + static_cast<std::int64_t>(begin) * kVec, kPanel, static_cast<std::int64_t>(n_positions) * kVec};
}

/// x where its column is visible, otherwise 0.
OCTET_INLINE Vec visible_part(Vec x, VecInt column, Columns visible) {
  return (column >= visible.first) & (column <= visible.last) ? x : Vec{};
}

/// to[n_rows, d] = from[n_rows, d]; rows of `to` are `stride` numbers apart.
OCTET_INLINE void round_rows(const float* from, Bf16* to, std::int64_t stride, int n_rows, int d) {
  for (int r = 0; r < n_rows; ++r, from += d, to += stride) {
    for (int i = 0; i < d; i += kVec) store(to + i, load(from + i));
  }
}

/// Hands out the caller's scratch piece by piece.
struct Scratch {
  float* next;

  OCTET_INLINE float* floats(std::int64_t n) {
    float* const taken = next;
    next += n;
    return taken;
  }
  OCTET_INLINE Bf16Pair* pairs(std::int64_t n) { return reinterpret_cast<Bf16Pair*>(floats(n)); }
};

void attention(const Bf16* q, const Bf16* k, const Bf16* v, Bf16* out, float* log_sum, TrainingAttentionShape shape, float* scratch) {
  const int T = shape.n_positions;
  const int D = shape.head_dim;
  const std::int64_t q_stride = static_cast<std::int64_t>(shape.n_heads) * D;
  const std::int64_t kv_stride = static_cast<std::int64_t>(shape.n_kv_heads) * D;
  const int group = shape.n_heads / shape.n_kv_heads;
  const std::int64_t head_numbers = static_cast<std::int64_t>(D) * T;
  Scratch take{scratch};
  Bf16Pair* keys_transposed = take.pairs(head_numbers / 2);
  Bf16Pair* values = take.pairs(head_numbers / 2);
  float* sums = take.floats(kAttentionBlock * D);                               // [kAttentionBlock, D]
  float* scores = take.floats(static_cast<std::int64_t>(kAttentionBlock) * T);  // [kAttentionBlock, count]
  auto* probabilities = reinterpret_cast<Bf16*>(take.pairs(kAttentionBlock / 2 * static_cast<std::int64_t>(T)));  // as scores
  for (int head = 0; head < shape.n_heads; ++head) {
    const int kv_head = head / group;
    if (head % group == 0) {
      pack_transposed(k + kv_head * D, kv_stride, keys_transposed, D, T);
      pack(v + kv_head * D, kv_stride, values, D, T);
    }
    for (int begin = 0; begin < T; begin += kAttentionBlock) {
      const KeyRange range = visible_keys(begin, shape.window);
      const int n = range.count;
      const std::int64_t q_offset = begin * q_stride + head * D;
      multiply<false>(rows_of(q + q_offset, q_stride), transposed_panels(keys_transposed, range.begin, D), scores, n, kAttentionBlock, n,
                      D / 2);
      float inverse[kAttentionBlock];
      for (int r = 0; r < kAttentionBlock; ++r) {
        const float* row = scores + static_cast<std::int64_t>(r) * n;
        Bf16* rounded = probabilities + static_cast<std::int64_t>(r) * n;
        const Columns visible = visible_columns(begin + r, shape.window, range);
        const float top = max_in(row, visible);
        Vec total = {};
        VecInt column = lane_numbers();
        for (int i = 0; i < n; i += kVec, column += kVec) {
          const Vec e = visible_part(exp(load(row + i) - top), column, visible);
          total += e;
          store(rounded + i, e);
        }
        const float denominator = sum(total);
        log_sum[static_cast<std::int64_t>(head) * T + begin + r] =
            top + static_cast<float>(__builtin_log(static_cast<double>(denominator)));
        inverse[r] = 1.0F / denominator;
      }
      multiply<false>(rows_of(probabilities, n), panels(values, range.begin, T), sums, D, kAttentionBlock, D, n / 2);
      for (int r = 0; r < kAttentionBlock; ++r) {
        for (int i = 0; i < D; i += kVec) store(out + q_offset + r * q_stride + i, load(sums + r * D + i) * inverse[r]);
      }
    }
  }
}

/// Scores of a block and `count` keys, and what the products of the backward pass take of them.
struct ScoreGradients {
  float* scores;              // [kAttentionBlock, count]
  float* grad_probabilities;  // dP, [kAttentionBlock, count]
  Bf16Pair* probabilities;    // P, pairs of queries: [kAttentionBlock / 2, count]
  Bf16Pair* by_queries;       // dS, pairs of queries: [kAttentionBlock / 2, count]
  Bf16* by_keys;              // dS, [kAttentionBlock, count]
};

/// P = e^(score - log_sum) where visible and dS = P * (dP - delta).
OCTET_INLINE void differentiate_softmax(const ScoreGradients& g, const float* log_sum, const float* delta, int query, int window,
                                        KeyRange keys) {
  const std::int64_t n = keys.count;
  for (int r = 0; r < kAttentionBlock; r += 2) {
    const Columns visible[] = {visible_columns(query + r, window, keys), visible_columns(query + r + 1, window, keys)};
    VecInt column = lane_numbers();
    for (int i = 0; i < n; i += kVec, column += kVec) {
      VecHalves p[2];
      VecHalves ds[2];
      for (int odd = 0; odd < 2; ++odd) {
        const std::int64_t at = (r + odd) * n + i;
        const Vec e = visible_part(exp(load(g.scores + at) - log_sum[r + odd]), column, visible[odd]);
        p[odd] = halves(e);
        ds[odd] = halves(e * (load(g.grad_probabilities + at) - delta[r + odd]));
        store(g.by_keys + at, ds[odd]);
      }
      store(g.probabilities + r / 2 * n + i, pairs(p[0], p[1]));
      store(g.by_queries + r / 2 * n + i, pairs(ds[0], ds[1]));
    }
  }
}

/// As in float; keys are taken kAttentionKeys at a time, which the saved denominators allow. Gradients of keys and values add up
/// in float over all queries that share them, those of queries over all keys.
void attention_backward(const Bf16* q, const Bf16* k, const Bf16* v, const Bf16* out, const float* log_sum, const Bf16* grad_out,
                        Bf16* grad_q, Bf16* grad_k, Bf16* grad_v, TrainingAttentionShape shape, float* scratch) {
  const int T = shape.n_positions;
  const int D = shape.head_dim;
  const std::int64_t q_stride = static_cast<std::int64_t>(shape.n_heads) * D;
  const std::int64_t kv_stride = static_cast<std::int64_t>(shape.n_kv_heads) * D;
  const int group = shape.n_heads / shape.n_kv_heads;
  const std::int64_t head_numbers = static_cast<std::int64_t>(D) * T;
  constexpr int kScores = kAttentionBlock * kAttentionKeys;
  Scratch take{scratch};
  Bf16Pair* keys_transposed = take.pairs(head_numbers / 2);
  Bf16Pair* values_transposed = take.pairs(head_numbers / 2);
  Bf16Pair* keys = take.pairs(head_numbers / 2);
  Bf16Pair* queries = take.pairs(kAttentionBlock * D / 2);
  Bf16Pair* grad_outs = take.pairs(kAttentionBlock * D / 2);
  float* grad_keys = take.floats(head_numbers);
  float* grad_values = take.floats(head_numbers);
  float* grad_queries = take.floats(kAttentionBlock * D);
  const ScoreGradients block{take.floats(kScores), take.floats(kScores), take.pairs(kScores / 2), take.pairs(kScores / 2),
                             reinterpret_cast<Bf16*>(take.pairs(kScores / 2))};
  for (int head = 0; head < shape.n_heads; ++head) {
    const int kv_head = head / group;
    if (head % group == 0) {
      pack_transposed(k + kv_head * D, kv_stride, keys_transposed, D, T);
      pack_transposed(v + kv_head * D, kv_stride, values_transposed, D, T);
      pack(k + kv_head * D, kv_stride, keys, D, T);
      for (std::int64_t i = 0; i < head_numbers; ++i) grad_keys[i] = grad_values[i] = 0;
    }
    for (int begin = 0; begin < T; begin += kAttentionBlock) {
      const std::int64_t q_offset = begin * q_stride + head * D;
      pack(q + q_offset, q_stride, queries, D, kAttentionBlock);
      pack(grad_out + q_offset, q_stride, grad_outs, D, kAttentionBlock);
      float delta[kAttentionBlock];
      for (int r = 0; r < kAttentionBlock; ++r) {
        const std::int64_t at = q_offset + r * q_stride;
        Vec dots = {};
        for (int i = 0; i < D; i += kVec) dots += load(grad_out + at + i) * load(out + at + i);
        delta[r] = sum(dots);
      }
      for (int i = 0; i < kAttentionBlock * D; ++i) grad_queries[i] = 0;
      const KeyRange all = visible_keys(begin, shape.window);
      for (int done = 0; done < all.count; done += kAttentionKeys) {
        const int left = all.count - done;
        const KeyRange range{all.begin + done, left < kAttentionKeys ? left : kAttentionKeys};
        const int n = range.count;
        multiply<false>(rows_of(q + q_offset, q_stride), transposed_panels(keys_transposed, range.begin, D), block.scores, n,
                        kAttentionBlock, n, D / 2);
        multiply<false>(rows_of(grad_out + q_offset, q_stride), transposed_panels(values_transposed, range.begin, D),
                        block.grad_probabilities, n, kAttentionBlock, n, D / 2);
        differentiate_softmax(block, log_sum + static_cast<std::int64_t>(head) * T + begin, delta, begin, shape.window, range);
        multiply<true>(rows_of(block.by_keys, n), panels(keys, range.begin, T), grad_queries, D, kAttentionBlock, D, n / 2);
        const auto transposed = [n](const Bf16Pair* x) { return Strided<Bf16Pair>{x, 1, n}; };
        const std::int64_t key_offset = static_cast<std::int64_t>(range.begin) * D;
        multiply<true>(transposed(block.by_queries), panels(queries, 0, kAttentionBlock), grad_keys + key_offset, D, n, D,
                       kAttentionBlock / 2);
        multiply<true>(transposed(block.probabilities), panels(grad_outs, 0, kAttentionBlock), grad_values + key_offset, D, n, D,
                       kAttentionBlock / 2);
      }
      round_rows(grad_queries, grad_q + q_offset, q_stride, kAttentionBlock, D);
    }
    if (head % group == group - 1) {
      round_rows(grad_keys, grad_k + kv_head * D, kv_stride, T, D);
      round_rows(grad_values, grad_v + kv_head * D, kv_stride, T, D);
    }
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

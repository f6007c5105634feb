// What becomes of an attention head's numbers: a key, a value or a query. Included by .cu files.
#pragma once

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/rows.h"

namespace octet::kernels::cuda {

/// RMSNorm with gain[head_dim], then RoPE, of the warp's head, in place; __syncwarp behind.
__device__ inline void rotate(const Shared<float>& head, const float* gain, float eps, const float* cosine, const float* sine,
                              int head_dim) {
  const int half = head_dim / 2;
  const float scale = inverse_rms(head_dim, eps, [&](int i) { return head.read(i); });
  __syncwarp();
  for (int i = lane_index(); i < half; i += 32) {
    const float u = head.read(i) * scale * gain[i];
    const float w = head.read(half + i) * scale * gain[half + i];
    head.write(i, u * cosine[i] - w * sine[i]);
    head.write(half + i, w * cosine[i] + u * sine[i]);
  }
  __syncwarp();
}

/// The warp's head, number head_idx of the heads of kv_q, for row row_idx of the step: a key or a value goes to the cache, a query to its
/// buffer. `head` is changed.
__device__ inline void finish_head(const QkvArgs& args, const Step& step, int row_idx, int head_idx, const Shared<float>& head) {
  const int head_dim = args.heads.head_dim;
  const Row& row = step.rows[row_idx];
  const std::ptrdiff_t angles = static_cast<std::ptrdiff_t>(row.pos) * (head_dim / 2);
  const int n_kv_heads = args.heads.n_kv_heads;
  const auto number = [&](int i) { return head.read(i); };
  if (head_idx >= 2 * n_kv_heads) {
    rotate(head, args.q_norm, args.eps, args.cosine + angles, args.sine + angles, head_dim);
    const std::ptrdiff_t query = static_cast<std::ptrdiff_t>(row_idx) * args.heads.n_heads + head_idx - 2 * n_kv_heads;
    unsigned* words = reinterpret_cast<unsigned*>(args.queries + query * key_bytes(head_dim));
    const float scale = quantize(head_dim, number, [&](int word, unsigned four) { words[word] = four; });
    if (lane_index() == 0) args.query_scales[query] = scale;
    return;
  }
  const int block = row.pos / kKvBlock % args.kv.n_blocks;
  const int slot = row.pos % kKvBlock;
  const std::ptrdiff_t block_bytes = static_cast<std::ptrdiff_t>(kv_block_bytes(head_dim));
  std::byte* base =
      row.cache + args.kv.offset + (static_cast<std::ptrdiff_t>(head_idx % n_kv_heads) * args.kv.n_blocks + block) * block_bytes;
  std::byte* values = base + static_cast<std::ptrdiff_t>(kKvBlock) * key_bytes(head_dim);
  float* scales = reinterpret_cast<float*>(values + static_cast<std::ptrdiff_t>(kKvBlock) * value_rows(head_dim));
  if (head_idx < n_kv_heads) {
    rotate(head, args.k_norm, args.eps, args.cosine + angles, args.sine + angles, head_dim);
    unsigned* words = reinterpret_cast<unsigned*>(base + static_cast<std::ptrdiff_t>(slot) * key_bytes(head_dim));
    const float scale = quantize(head_dim, number, [&](int word, unsigned four) { words[word] = four; });
    if (lane_index() == 0) scales[slot] = scale;
  } else {
    const float scale = quantize(head_dim, number, [&](int word, unsigned four) {
      for (int j = 0; j < 4 && 4 * word + j < head_dim; ++j) {
        values[static_cast<std::ptrdiff_t>(4 * word + j) * kKvBlock + slot] = static_cast<std::byte>(four >> (8 * j) & 0xFFU);
      }
    });
    if (lane_index() == 0) scales[kKvBlock + slot] = scale;
  }
}

}  // namespace octet::kernels::cuda

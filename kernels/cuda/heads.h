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

/// The warp's head, number head_idx of the heads of kv_q, for row row_idx of the step, in format F: a key or a value goes to the cache, a
/// query to its buffer. `head` is changed.
template <class F>
__device__ void finish_head(const QkvArgs& args, const Step& step, int row_idx, int head_idx, const Shared<float>& head) {
  const int head_dim = args.heads.head_dim;
  const int bytes = key_bytes(head_dim, F::kFormat);
  const Row& row = step.rows[row_idx];
  const std::ptrdiff_t angles = static_cast<std::ptrdiff_t>(row.pos) * (head_dim / 2);
  const int n_kv_heads = args.heads.n_kv_heads;
  const auto convert_to = [&](std::byte* to) {
    unsigned* words = reinterpret_cast<unsigned*>(to);
    return convert<F>(
        head_dim, [&](int i) { return head.read(i); }, [&](int word, unsigned numbers) { words[word] = numbers; });
  };
  if (head_idx >= 2 * n_kv_heads) {
    rotate(head, args.q_norm, args.eps, args.cosine + angles, args.sine + angles, head_dim);
    const std::ptrdiff_t query = static_cast<std::ptrdiff_t>(row_idx) * args.heads.n_heads + head_idx - 2 * n_kv_heads;
    keep_scale<F>(convert_to(args.queries + query * bytes), args.query_scales + query);
    return;
  }
  const int block = row.pos / kKvBlock % args.kv.n_blocks;
  const int slot = row.pos % kKvBlock;
  std::byte* base = row.cache + args.kv.offset +
                    (static_cast<std::ptrdiff_t>(head_idx % n_kv_heads) * args.kv.n_blocks + block) *
                        static_cast<std::ptrdiff_t>(kv_block_bytes(head_dim, F::kFormat));
  std::byte* values = base + static_cast<std::ptrdiff_t>(kKvBlock) * bytes;
  float* scales = reinterpret_cast<float*>(values + static_cast<std::ptrdiff_t>(kKvBlock) * value_rows(head_dim) * (4 / F::kPerWord));
  if (head_idx < n_kv_heads) {
    rotate(head, args.k_norm, args.eps, args.cosine + angles, args.sine + angles, head_dim);
    keep_scale<F>(convert_to(base + static_cast<std::ptrdiff_t>(slot) * bytes), scales + slot);
    return;
  }
  using Number = typename F::Number;
  Number* of_slot = reinterpret_cast<Number*>(values) + slot;
  const auto scale = convert<F>(
      head_dim, [&](int i) { return head.read(i); },
      [&](int word, unsigned numbers) {
        for (int j = 0; j < F::kPerWord && F::kPerWord * word + j < head_dim; ++j) {
          const int bits = 32 / F::kPerWord;
          of_slot[static_cast<std::ptrdiff_t>(F::kPerWord * word + j) * kKvBlock] = static_cast<Number>(numbers >> (bits * j));
        }
      });
  keep_scale<F>(scale, scales + kKvBlock + slot);
}

}  // namespace octet::kernels::cuda

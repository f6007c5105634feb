// RMSNorm and quantisation of the hidden rows, then one attention head of kv_q a block: a key goes through RMSNorm and RoPE into the
// cache as int8, a value into the cache, queries through RMSNorm and RoPE into their buffer as int8.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

constexpr int head_stride(int head_dim) { return n_tiles(head_dim) * kTile; }

/// RMSNorm with gain[head_dim], then RoPE, of the warp's head, in place; __syncwarp behind.
__device__ void rotate(const Shared<float>& head, const float* gain, float eps, const float* cosine, const float* sine, int head_dim) {
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

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) qkv_kernel(QkvArgs args) {
  const Step& step = *args.step;
  const int head_dim = args.heads.head_dim;
  const int d_model = args.kv_q.k;
  const int head_idx = args.first_head + static_cast<int>(blockIdx.x);
  SharedSpace space;
  const Rows rows = take_rows(space, d_model);
  const Partial partial = take_partial(space);
  const int stride = head_stride(head_dim);
  const Shared<float> numbers = space.take<float>(kMaxRows * stride);

  norm_quantize_rows(rows, step.n_rows, args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * d_model, args.gain, args.eps, d_model);
  const int first_tile = head_idx * n_tiles(head_dim);
  for (int tile = first_tile; tile < first_tile + n_tiles(head_dim); ++tile) {
    for_tile(args.kv_q, tile, rows, partial,
             [&](int output, int row, float number) { numbers.write(row * stride + output - first_tile * kTile, number); });
  }

  const int row_idx = warp_index();
  if (row_idx >= step.n_rows) return;
  const Row& row = step.rows[row_idx];
  const Shared<float> head = numbers.from(row_idx * stride);
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

}  // namespace

Error launch_qkv(const QkvArgs& args, Stream stream) {
  const int bytes = rows_bytes(args.kv_q.k) + kPartialBytes + shared_part(kMaxRows * head_stride(args.heads.head_dim) * 4);
  return launch(qkv_kernel, {static_cast<unsigned>(args.n_heads), 1, 1}, kThreads, static_cast<std::size_t>(bytes), stream, args);
}

}  // namespace octet::kernels::cuda

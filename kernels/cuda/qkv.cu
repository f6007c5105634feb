// RMSNorm of the hidden rows, then one attention head of kv_q a block: a key goes through RMSNorm and RoPE into the cache, a value into the
// cache, queries through RMSNorm and RoPE into their buffer, all in the format of kv_q.
#include "kernels/cuda/heads.h"
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

constexpr int head_stride(int head_dim) { return n_tiles(head_dim) * kTile; }

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) qkv_kernel(QkvArgs args) {
  const int head_dim = args.heads.head_dim;
  const int head_idx = args.first_head + static_cast<int>(blockIdx.x);
  const int first_tile = head_idx * n_tiles(head_dim);
  prefetch_tile(args.kv_q, first_tile);
  const Step& step = *args.step;
  const int d_model = args.kv_q.k;
  SharedSpace space;
  const SharedRows memory = take_slice<F>(space, d_model);
  const Partial<F> partial = take_partial<F>(space);
  const int stride = head_stride(head_dim);
  const Shared<float> numbers = space.take<float>(kMaxRows * stride);

  const float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * d_model;
  auto rows = normed_rows<F>(memory, step.n_rows, hidden, args.gain, args.eps, d_model);
  for (int tile = first_tile; tile < first_tile + n_tiles(head_dim); ++tile) {
    if (tile + 1 < first_tile + n_tiles(head_dim)) prefetch_tile(args.kv_q, tile + 1);
    for_tile(args.kv_q, tile, rows, partial,
             [&](int output, int row, float number) { numbers.write(row * stride + output - first_tile * kTile, number); });
  }

  const int row_idx = warp_index();
  if (row_idx >= step.n_rows) return;
  finish_head<F>(args, step, row_idx, head_idx, numbers.from(row_idx * stride));
}

}  // namespace

Error launch_qkv(const QkvArgs& args, Stream stream) {
  const Format format = args.kv_q.format;
  const int bytes = slice_bytes(args.kv_q.k, format) + kPartialBytes + shared_part(kMaxRows * head_stride(args.heads.head_dim) * 4);
  return launch(format, qkv_kernel<Int8>, qkv_kernel<Bf16>, {static_cast<unsigned>(args.n_heads), 1, 1}, bytes, stream, args);
}

}  // namespace octet::kernels::cuda

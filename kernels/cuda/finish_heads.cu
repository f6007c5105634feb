// A chunk's numbers of kv_q become keys, values and queries: a warp for each head of each row.
#include "kernels/cuda/heads.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) finish_heads_kernel(FinishHeadsArgs args) {
  const Step& step = *args.qkv.step;
  const int head_dim = args.qkv.heads.head_dim;
  const int head_idx = args.qkv.first_head + static_cast<int>(blockIdx.x);
  const int row = static_cast<int>(blockIdx.y) * kWarps + warp_index();
  SharedSpace space;
  const Shared<float> head = space.take<float>(kWarps * head_dim).from(warp_index() * head_dim);
  if (row >= step.n_rows) return;
  const float* numbers = args.numbers + static_cast<std::ptrdiff_t>(row) * args.qkv.kv_q.n + head_idx * n_tiles(head_dim) * kTile;
  for (int i = lane_index(); i < head_dim; i += 32) head.write(i, numbers[i]);
  __syncwarp();
  finish_head<F>(args.qkv, step, row, head_idx, head);
}

}  // namespace

Error launch_finish_heads(const FinishHeadsArgs& args, Stream stream) {
  const dim3 grid{static_cast<unsigned>(args.qkv.n_heads), static_cast<unsigned>(args.n_rows / kWarps), 1};
  return launch(args.qkv.kv_q.format, finish_heads_kernel<Int8>, finish_heads_kernel<Bf16>, grid,
                shared_part(kWarps * args.qkv.heads.head_dim * 4), stream, args);
}

}  // namespace octet::kernels::cuda

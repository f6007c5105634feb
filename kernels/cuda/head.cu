// Heads: logits = unembed . (RMSNorm(hidden) * gain), for each row of the step and each head. A block has 16 byte values of one head.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) head_kernel(HeadArgs args) {
  const int tile = static_cast<int>(blockIdx.x);
  prefetch_tile(args.unembed, tile);
  const Step& step = *args.step;
  const int d_model = args.unembed.k;
  const int head = tile * kTile / kVocabulary;
  SharedSpace space;
  const SharedRows memory = take_slice<F>(space, d_model);
  const Partial<F> partial = take_partial<F>(space);
  const float* hidden = args.hidden + head * args.hidden_stride + static_cast<std::ptrdiff_t>(step.first_row) * d_model;
  float* logits = args.logits + head * args.logits_stride + static_cast<std::ptrdiff_t>(step.first_row) * kVocabulary;
  auto rows = normed_rows<F>(memory, step.n_rows, hidden, args.gain, args.eps, d_model);
  for_tile(args.unembed, tile, rows, partial, [&](int output, int row, float logit) {
    if (row < step.n_rows) logits[row * kVocabulary + output % kVocabulary] = logit;
  });
}

}  // namespace

Error launch_head(const HeadArgs& args, Stream stream) {
  return launch(args.unembed.format, head_kernel<Int8>, head_kernel<Bf16>, {static_cast<unsigned>(n_tiles(args.unembed.n)), 1, 1},
                slice_bytes(args.unembed.k, args.unembed.format) + kPartialBytes, stream, args);
}

}  // namespace octet::kernels::cuda

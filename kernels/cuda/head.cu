// The primary head: logits = unembed . (RMSNorm(hidden) * gain), for each row of the step. A block has 16 byte values.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) head_kernel(HeadArgs args) {
  const Step& step = *args.step;
  const int d_model = args.unembed.k;
  SharedSpace space;
  const Rows rows = take_rows(space, d_model);
  const Partial partial = take_partial(space);
  norm_quantize_rows(rows, step.n_rows, args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * d_model, args.gain, args.eps, d_model);
  for_tile(args.unembed, static_cast<int>(blockIdx.x), rows, partial, [&](int byte, int row, float logit) {
    if (row < step.n_rows) args.logits[static_cast<std::ptrdiff_t>(step.first_row + row) * kVocabulary + byte] = logit;
  });
}

}  // namespace

Error launch_head(const HeadArgs& args, Stream stream) {
  return launch(head_kernel, {kVocabulary / kTile, 1, 1}, kThreads, static_cast<std::size_t>(rows_bytes(args.unembed.k) + kPartialBytes),
                stream, args);
}

}  // namespace octet::kernels::cuda

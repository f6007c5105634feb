// The primary head: logits = unembed . (RMSNorm(hidden) * gain), for each row of the step. A block has 16 byte values.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) head_kernel(HeadArgs args) {
  const Step& step = *args.step;
  const int d_model = args.unembed.k;
  SharedSpace space;
  const SharedRows memory = take_slice<F>(space, d_model);
  const Partial<F> partial = take_partial<F>(space);
  const float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * d_model;
  auto rows = normed_rows<F>(memory, step.n_rows, hidden, args.gain, args.eps, d_model);
  for_tile(args.unembed, static_cast<int>(blockIdx.x), rows, partial, [&](int byte, int row, float logit) {
    if (row < step.n_rows) args.logits[static_cast<std::ptrdiff_t>(step.first_row + row) * kVocabulary + byte] = logit;
  });
}

}  // namespace

Error launch_head(const HeadArgs& args, Stream stream) {
  return launch(args.unembed.format, head_kernel<Int8>, head_kernel<Bf16>, {kVocabulary / kTile, 1, 1},
                slice_bytes(args.unembed.k, args.unembed.format) + kPartialBytes, stream, args);
}

}  // namespace octet::kernels::cuda

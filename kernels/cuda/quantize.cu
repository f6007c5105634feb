// A chunk's rows as int8 in the device's memory, with or without RMSNorm before: a warp for each row.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/rows.h"

namespace octet::kernels::cuda {
namespace {

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) quantize_kernel(QuantizeArgs args) {
  const Step& step = *args.step;
  const int row = static_cast<int>(blockIdx.x) * kWarps + warp_index();
  const int n_words = n_steps(args.k) * (kDepth / 4);
  unsigned* words = args.out.words + static_cast<std::ptrdiff_t>(row) * n_words;
  const auto put = [&](int word, unsigned four) { words[word] = four; };
  float scale = 0;
  if (row >= step.n_rows) {
    for (int word = lane_index(); word < n_words; word += 32) words[word] = 0;
  } else if (args.gain == nullptr) {
    const float* x = args.x + static_cast<std::ptrdiff_t>(row) * args.k;
    scale = quantize(
        args.k, [&](int i) { return x[i]; }, put);
  } else {
    const float* x = args.x + static_cast<std::ptrdiff_t>(step.first_row + row) * args.k;
    const float factor = inverse_rms(args.k, args.eps, [&](int i) { return x[i]; });
    scale = quantize(
        args.k, [&](int i) { return x[i] * factor * args.gain[i]; }, put);
  }
  if (lane_index() == 0) args.out.scales[row] = scale;
}

}  // namespace

Error launch_quantize(const QuantizeArgs& args, Stream stream) {
  return launch(quantize_kernel, {kChunkRows / kWarps, 1, 1}, kThreads, 0, stream, args);
}

}  // namespace octet::kernels::cuda

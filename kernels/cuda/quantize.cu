// A chunk's rows in the format of weights in the device's memory, with or without RMSNorm before: a warp for each row.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/rows.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) quantize_kernel(QuantizeArgs args) {
  const Step& step = *args.step;
  const int row = static_cast<int>(blockIdx.x) * kWarps + warp_index();
  const int n = n_words(args.k, F::kFormat);
  const auto put = [&](int word, unsigned numbers) { args.out.words[args.out.at(row, word)] = numbers; };
  typename F::Scale scale{};
  if (row >= step.n_rows) {
    for (int word = lane_index(); word < n; word += 32) put(word, 0);
  } else if (args.gain == nullptr) {
    const float* x = args.x + static_cast<std::ptrdiff_t>(row) * args.k;
    scale = convert<F>(
        args.k, [&](int i) { return x[i]; }, put);
  } else {
    const float* x = args.x + static_cast<std::ptrdiff_t>(step.first_row + row) * args.k;
    const float factor = inverse_rms(args.k, args.eps, [&](int i) { return x[i]; });
    scale = convert<F>(
        args.k, [&](int i) { return x[i] * factor * args.gain[i]; }, put);
  }
  keep_scale<F>(scale, args.out.scales + row);
}

}  // namespace

Error launch_quantize(const QuantizeArgs& args, Stream stream) {
  return launch(args.out.format, quantize_kernel<Int8>, quantize_kernel<Bf16>, {static_cast<unsigned>(args.out.n_rows / kWarps), 1, 1}, 0,
                stream, args);
}

}  // namespace octet::kernels::cuda

// active = silu(gate . b) * (up . b), b = RMSNorm(hidden) * gain in the format of the weights. A block has 16 of d_ff.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) gate_up_kernel(GateUpArgs args) {
  const int pair = static_cast<int>(blockIdx.x);
  prefetch_tile(args.gate_up, 2 * pair);
  prefetch_tile(args.gate_up, 2 * pair + 1);
  const Step& step = *args.step;
  const int d_model = args.gate_up.k;
  SharedSpace space;
  const SharedRows memory = take_slice<F>(space, d_model);
  const Partial<F> partial = take_partial<F>(space);
  const Shared<float> gates = space.take<float>(kMaxRows * kTile);
  const float* hidden = args.hidden + static_cast<std::ptrdiff_t>(step.first_row) * d_model;
  auto rows = normed_rows<F>(memory, step.n_rows, hidden, args.gain, args.eps, d_model);
  for_tile(args.gate_up, 2 * pair, rows, partial,
           [&](int output, int row, float gate) { gates.write(row * kTile + output % kTile, reference::silu(gate)); });
  for_tile(args.gate_up, 2 * pair + 1, rows, partial, [&](int output, int row, float up) {
    const int column = pair * kTile + output % kTile;
    if (row < step.n_rows && column < args.d_ff) {
      args.active[static_cast<std::ptrdiff_t>(row) * args.d_ff + column] = gates.read(row * kTile + output % kTile) * up;
    }
  });
}

}  // namespace

Error launch_gate_up(const GateUpArgs& args, Stream stream) {
  const int bytes = slice_bytes(args.gate_up.k, args.gate_up.format) + kPartialBytes + shared_part(kMaxRows * kTile * 4);
  return launch(args.gate_up.format, gate_up_kernel<Int8>, gate_up_kernel<Bf16>, {static_cast<unsigned>(n_tiles(args.d_ff)), 1, 1}, bytes,
                stream, args);
}

}  // namespace octet::kernels::cuda

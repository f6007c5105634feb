// to = from + w . x: what attention and the feed-forward part add to the hidden rows. A block has 16 outputs, so that nothing is added by
// two.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) add_product_kernel(AddProductArgs args) {
  prefetch_tile(args.w, static_cast<int>(blockIdx.x));
  const Step& step = *args.step;
  SharedSpace space;
  const SharedRows memory = take_slice<F>(space, args.w.k);
  const Partial<F> partial = take_partial<F>(space);
  auto rows = plain_rows<F>(memory, step.n_rows, args.x, args.w.k);
  for_tile(args.w, static_cast<int>(blockIdx.x), rows, partial, [&](int output, int row, float number) {
    if (row >= step.n_rows || output >= args.w.n) return;
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(step.first_row + row) * args.w.n + output;
    args.to[at] = args.from[at] + number;
  });
}

}  // namespace

Error launch_add_product(const AddProductArgs& args, Stream stream) {
  return launch(args.w.format, add_product_kernel<Int8>, add_product_kernel<Bf16>, {static_cast<unsigned>(n_tiles(args.w.n)), 1, 1},
                slice_bytes(args.w.k, args.w.format) + kPartialBytes, stream, args);
}

}  // namespace octet::kernels::cuda

// The sums of a long chunk's product, as cuBLASLt leaves them, become what chunk_product() would have made of its own: a thread for each
// number.
#include "kernels/cuda/finish_product.h"

#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) finish_product_kernel(FinishProductArgs args) {
  const ChunkProductArgs& product = args.product;
  const Step& step = *product.step;
  const int row = static_cast<int>(blockIdx.y);
  const int column = static_cast<int>(blockIdx.x) * kThreads + static_cast<int>(threadIdx.x);
  const bool is_gated = product.kind == ChunkProductArgs::Kind::kSwiglu;
  if (row >= step.n_rows || column >= (is_gated ? product.d_ff : product.w.n)) return;
  const auto* sums = static_cast<const typename F::Sum*>(args.sums) + static_cast<std::ptrdiff_t>(row) * (n_tiles(product.w.n) * kTile);
  const auto number = [&](int output) { return number_of<F>(product, sums[output], row, output); };
  if (is_gated) {
    const int gate = column / kTile * 2 * kTile + column % kTile;
    put_gated(product, row, column, number(gate), number(gate + kTile));
  } else {
    put_number(product, step.first_row, row, column, number(column));
  }
}

}  // namespace

Error launch_finish_product(const FinishProductArgs& args, Stream stream) {
  const ChunkProductArgs& product = args.product;
  const int width = product.kind == ChunkProductArgs::Kind::kSwiglu ? product.d_ff : product.w.n;
  const dim3 grid{static_cast<unsigned>((width + kThreads - 1) / kThreads), static_cast<unsigned>(product.x.n_rows), 1};
  return launch(product.w.format, finish_product_kernel<Int8>, finish_product_kernel<Bf16>, grid, 0, stream, args);
}

}  // namespace octet::kernels::cuda

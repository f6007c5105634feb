// Products of weights and a chunk's 64 rows. A block has two tiles of 16 outputs; its eight warps share the columns as those of a step do
// (product.h), so that a row has the same bits in both. A warp uses each fragment of weights for all rows and each of rows for both tiles.
#include "kernels/cuda/finish_product.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

constexpr int kTiles = 2;  // of outputs, a block
constexpr int kRowTiles = kChunkRows / 8;
static_assert(kRowTiles == kWarps);  // behind the product a warp has a tile of rows
constexpr int kBytes = kWarps * kRowTiles * 32 * 16;

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) chunk_product_kernel(ChunkProductArgs args) {
  const Step& step = *args.step;
  const Matrix& w = args.w;
  const int lane = lane_index();
  const int warp = warp_index();
  const int first_tile = static_cast<int>(blockIdx.x) * kTiles;
  const int steps = n_steps(w.k, F::kFormat);
  SharedSpace space;
  const Shared<Sums<F>> shared = space.take<Sums<F>>(kWarps * kRowTiles * 32);  // of one tile: [warp][row tile][lane]

  Sums<F> sums[kTiles][kRowTiles] = {};
  const bool has_second = first_tile + 1 < n_tiles(w.n);
  const uint4* weights = static_cast<const uint4*>(w.fragments) + static_cast<std::ptrdiff_t>(first_tile) * steps * 32 + lane;
  const std::ptrdiff_t second = has_second ? static_cast<std::ptrdiff_t>(steps) * 32 : 0;
  const auto at = [](int row, int word) { return rows_by_step(F::kFormat, nullptr, nullptr).at(row, word); };
  const unsigned* rows = args.x.words + at(lane / 4, lane % 4);
  for (int k = warp; k < steps; k += kWarps) {
    const uint4 a[kTiles] = {weights[static_cast<std::ptrdiff_t>(k) * 32], weights[second + static_cast<std::ptrdiff_t>(k) * 32]};
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
      const unsigned* b = rows + at(8 * i, k * kStepWords);
      const uint2 fragment{b[0], b[4]};
      F::multiply(sums[0][i].of, a[0], fragment);
      F::multiply(sums[1][i].of, a[1], fragment);
    }
  }
  // Tile by tile, since both take more memory than some GPUs have for two blocks.
  Sums<F> all[kTiles] = {};
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    if (tile > 0) __syncthreads();
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) shared.write((warp * kRowTiles + i) * 32 + lane, sums[tile][i]);
    __syncthreads();
#pragma unroll
    for (int from = 0; from < kWarps; ++from) all[tile].add(shared.read((from * kRowTiles + warp) * 32 + lane));
  }

#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = warp * 8 + sum_row(lane, i);
    if (row >= step.n_rows) continue;
    float numbers[kTiles];
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int output = (first_tile + tile) * kTile + sum_output(lane, i);
      numbers[tile] = number_of<F>(args, all[tile].of[i], row, output);
      if (args.kind != ChunkProductArgs::Kind::kSwiglu && output < w.n) put_number(args, step.first_row, row, output, numbers[tile]);
    }
    const int column = static_cast<int>(blockIdx.x) * kTile + sum_output(lane, i);
    if (args.kind == ChunkProductArgs::Kind::kSwiglu && column < args.d_ff) put_gated(args, row, column, numbers[0], numbers[1]);
  }
}

}  // namespace

Error launch_chunk_product(const ChunkProductArgs& args, Stream stream) {
  const int n_blocks = (n_tiles(args.w.n) + kTiles - 1) / kTiles;
  return launch(args.w.format, chunk_product_kernel<Int8>, chunk_product_kernel<Bf16>, {static_cast<unsigned>(n_blocks), 1, 1}, kBytes,
                stream, args);
}

}  // namespace octet::kernels::cuda

// Products of int8 weights and a chunk's 64 quantised rows. A block has two tiles of 16 outputs; its eight warps share the columns by four
// and the rows by two, so that a warp uses each fragment of weights for four of rows and each of rows for two of weights. Sums are exact
// integers: what the warps have is added in shared memory.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

constexpr int kTiles = 2;                  // of outputs, a block
constexpr int kHalves = 2;                 // of the rows, a warp
constexpr int kSlices = kWarps / kHalves;  // of the columns
constexpr int kRowTiles = kChunkRows / 8 / kHalves;
constexpr int kBytes = kSlices * kTiles * kHalves * kRowTiles * 32 * static_cast<int>(sizeof(Sums));

/// Where a warp's sums lie: [slice][tile][half][row tile][lane].
__device__ int sums_at(int slice, int tile, int half, int row_tile) {
  return (((slice * kTiles + tile) * kHalves + half) * kRowTiles + row_tile) * 32;
}

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) chunk_product_kernel(ChunkProductArgs args) {
  const Step& step = *args.step;
  const Matrix& w = args.w;
  const int lane = lane_index();
  const int slice = warp_index() / kHalves;
  const int half = warp_index() % kHalves;
  const int first_tile = static_cast<int>(blockIdx.x) * kTiles;
  const int steps = n_steps(w.k);
  const int n_words = steps * (kDepth / 4);
  SharedSpace space;
  const Shared<Sums> shared = space.take<Sums>(kBytes / static_cast<int>(sizeof(Sums)));

  Sums sums[kTiles][kRowTiles] = {};
  const bool has_second = first_tile + 1 < n_tiles(w.n);
  const uint4* weights = reinterpret_cast<const uint4*>(w.fragments) + static_cast<std::ptrdiff_t>(first_tile) * steps * 32 + lane;
  const std::ptrdiff_t second = has_second ? static_cast<std::ptrdiff_t>(steps) * 32 : 0;
  const unsigned* rows = args.x.words + static_cast<std::ptrdiff_t>(half * kRowTiles * 8 + lane / 4) * n_words + lane % 4;
  for (int k = slice; k < steps; k += kSlices) {
    const uint4 a[kTiles] = {weights[static_cast<std::ptrdiff_t>(k) * 32], weights[second + static_cast<std::ptrdiff_t>(k) * 32]};
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) {
      const unsigned* b = rows + static_cast<std::ptrdiff_t>(i) * 8 * n_words + k * (kDepth / 4);
      const uint2 fragment{b[0], b[4]};
      mma_s8_s8(sums[0][i].of, a[0], fragment);
      mma_s8_s8(sums[1][i].of, a[1], fragment);
    }
  }
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
#pragma unroll
    for (int i = 0; i < kRowTiles; ++i) shared.write(sums_at(slice, tile, half, i) + lane, sums[tile][i]);
  }
  __syncthreads();

  // Now a warp has one row tile of one half, both tiles of outputs.
  const int own_half = warp_index() / kRowTiles;
  const int own_row_tile = warp_index() % kRowTiles;
  Sums all[kTiles] = {};
#pragma unroll
  for (int from = 0; from < kSlices; ++from) {
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const Sums part = shared.read(sums_at(from, tile, own_half, own_row_tile) + lane);
#pragma unroll
      for (int i = 0; i < 4; ++i) all[tile].of[i] += part.of[i];
    }
  }
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    const int row = (own_half * kRowTiles + own_row_tile) * 8 + sum_row(lane, i);
    if (row >= step.n_rows) continue;
    float numbers[kTiles];
#pragma unroll
    for (int tile = 0; tile < kTiles; ++tile) {
      const int output = (first_tile + tile) * kTile + sum_output(lane, i);
      const bool exists = output < w.n;
      numbers[tile] = exists ? scaled(all[tile].of[i], args.x.scales[row], w.scales[output]) : 0.0F;
      if (args.kind == ChunkProductArgs::Kind::kSwiglu || !exists) continue;
      const bool adds = args.kind == ChunkProductArgs::Kind::kAdd;
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(adds ? step.first_row + row : row) * w.n + output;
      args.to[at] = adds ? args.from[at] + numbers[tile] : numbers[tile];
    }
    const int column = static_cast<int>(blockIdx.x) * kTile + sum_output(lane, i);
    if (args.kind == ChunkProductArgs::Kind::kSwiglu && column < args.d_ff) {
      args.to[static_cast<std::ptrdiff_t>(row) * args.d_ff + column] = reference::silu(numbers[0]) * numbers[1];
    }
  }
}

}  // namespace

Error launch_chunk_product(const ChunkProductArgs& args, Stream stream) {
  const int n_blocks = (n_tiles(args.w.n) + kTiles - 1) / kTiles;
  return launch(chunk_product_kernel, {static_cast<unsigned>(n_blocks), 1, 1}, kThreads, static_cast<std::size_t>(kBytes), stream, args);
}

}  // namespace octet::kernels::cuda

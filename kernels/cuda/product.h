// Products of int8 weights and up to eight rows. Sums are exact integers, so that it does not matter how they are split over warps.
// Included by .cu files.
#pragma once

#include "kernels/cuda/rows.h"

namespace octet::kernels::cuda {

/// Four sums of a lane: of mma's c.
struct alignas(16) Sums {
  int of[4];
};
/// Where a lane's sum i belongs: the output row of the tile, and which of the eight rows of x.
__device__ inline int sum_output(int lane, int i) { return lane / 4 + i / 2 * 8; }
__device__ inline int sum_row(int lane, int i) { return lane % 4 * 2 + i % 2; }

/// What a lane takes of the rows for b, columns from step * 32 on.
__device__ inline uint2 row_fragment(const Rows& x, int step) {
  const int at = lane_index() / 4 * x.stride + step * (kDepth / 4) + lane_index() % 4;
  return {x.words.read(at), x.words.read(at + 4)};
}

/// The same where there is one row: seven of mma's eight are zeros.
__device__ inline uint2 one_row_fragment(const Rows& x, int step) {
  if (lane_index() >= 4) return {0, 0};
  const int at = step * (kDepth / 4) + lane_index();
  return {x.words.read(at), x.words.read(at + 4)};
}

/// sums += tile `tile` of w times what fragment(step) gives, columns of every stride-th step from `first` on.
template <class Fragment>
__device__ void add_steps(int (&sums)[4], const Matrix& w, int tile, int first, int stride, Fragment fragment) {
  const int steps = n_steps(w.k);
  const uint4* weights = reinterpret_cast<const uint4*>(w.fragments) + static_cast<std::ptrdiff_t>(tile) * steps * 32 + lane_index();
#pragma unroll 4
  for (int step = first; step < steps; step += stride) mma_s8_s8(sums, weights[static_cast<std::ptrdiff_t>(step) * 32], fragment(step));
}

/// The number that a sum stands for.
__device__ inline float scaled(int sum, float x_scale, float w_scale) { return static_cast<float>(sum) * (x_scale * w_scale); }

using Partial = Shared<Sums>;  // [kWarps][32]
inline constexpr int kPartialBytes = kWarps * 32 * static_cast<int>(sizeof(Sums));
__device__ inline Partial take_partial(SharedSpace& space) { return space.take<Sums>(kWarps * 32); }

/// All warps compute one tile, a part of the columns each: use(output row of w, row of x, number) by one thread for each of the 16 * 8.
/// Barriers within; one behind.
template <class Use>
__device__ void for_tile(const Matrix& w, int tile, const Rows& x, const Partial& partial, Use use) {
  Sums sums = {};
  add_steps(sums.of, w, tile, warp_index(), kWarps, [&](int step) { return row_fragment(x, step); });
  partial.write(static_cast<int>(threadIdx.x), sums);
  __syncthreads();
  if (threadIdx.x < 32) {
    Sums all = {};
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) {
      const Sums part = partial.read(warp * 32 + lane_index());
#pragma unroll
      for (int i = 0; i < 4; ++i) all.of[i] += part.of[i];
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int output = tile * kTile + sum_output(lane_index(), i);
      const int row = sum_row(lane_index(), i);
      use(output, row, scaled(all.of[i], x.scales.read(row), w.scales[output]));
    }
  }
  __syncthreads();
}

/// Each warp computes tiles of its own, all columns: use(output row of w, number), x being one row. No barrier.
template <class Use>
__device__ void for_all_tiles_of_row(const Matrix& w, const Rows& x, Use use) {
  for (int tile = warp_index(); tile < n_tiles(w.n); tile += kWarps) {
    int sums[4] = {};
    add_steps(sums, w, tile, 0, 1, [&](int step) { return one_row_fragment(x, step); });
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      const int output = tile * kTile + sum_output(lane_index(), i);
      if (sum_row(lane_index(), i) == 0 && output < w.n) use(output, scaled(sums[i], x.scales.read(0), w.scales[output]));
    }
  }
}

}  // namespace octet::kernels::cuda

// Products of weights and up to eight rows. A warp takes the steps of columns that are its number modulo eight in ascending order, then the
// eight warps' sums are added in theirs: the order is the same for any number of rows, for slices of columns and for chunks. (Where sums
// are integers it does not matter.) Included by .cu files.
#pragma once

#include "kernels/cuda/rows.h"

namespace octet::kernels::cuda {

/// Four sums of a lane: of mma's c.
template <class F>
struct alignas(16) Sums {
  typename F::Sum of[4];

  __device__ void add(const Sums& other) {
#pragma unroll
    for (int i = 0; i < 4; ++i) of[i] += other.of[i];
  }
};
/// Where a lane's sum i belongs: the output row of the tile, and which of the eight rows of x.
__device__ inline int sum_output(int lane, int i) { return lane / 4 + i / 2 * 8; }
__device__ inline int sum_row(int lane, int i) { return lane % 4 * 2 + i % 2; }

/// What a lane takes of the rows for b, step `step` of those in memory.
__device__ inline uint2 row_fragment(const SharedRows& x, int step) {
  const int at = lane_index() / 4 * x.stride + step * kStepWords + lane_index() % 4;
  return {x.words.read(at), x.words.read(at + 4)};
}

/// The same where there is one row: seven of mma's eight are zeros.
__device__ inline uint2 one_row_fragment(const SharedRows& x, int step) {
  if (lane_index() >= 4) return {0, 0};
  const int at = step * kStepWords + lane_index();
  return {x.words.read(at), x.words.read(at + 4)};
}

/// The block asks for the first columns of a tile: they are on their way while its rows are normed and converted.
__device__ inline void prefetch_tile(const Matrix& w, int tile) {
  constexpr int kLine = 128;
  constexpr int kMost = 64 << 10;  // of all blocks on a GPU a third of its second-level cache
  if (tile >= n_tiles(w.n)) return;
  const int tile_bytes = n_steps(w.k, w.format) * 32 * static_cast<int>(sizeof(uint4));
  const std::byte* from = static_cast<const std::byte*>(w.fragments) + static_cast<std::ptrdiff_t>(tile) * tile_bytes;
  const int n = tile_bytes < kMost ? tile_bytes : kMost;
  for (int at = static_cast<int>(threadIdx.x) * kLine; at < n; at += kThreads * kLine) prefetch(from + at);
}

/// sums += tile `tile` of w times what fragment(step) gives, columns of every stride-th step from `first` up to `end`; kAtOnce loads of
/// weights are on their way before the first is used.
template <class F, int kAtOnce, class Fragment>
__device__ void add_steps(Sums<F>& sums, const Matrix& w, int tile, int first, int end, int stride, Fragment fragment) {
  const uint4* weights =
      static_cast<const uint4*>(w.fragments) + static_cast<std::ptrdiff_t>(tile) * n_steps(w.k, F::kFormat) * 32 + lane_index();
  const auto take = [&](int from, bool is_whole) {
    uint4 a[kAtOnce];
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      if (is_whole || from + i * stride < end) a[i] = weights[static_cast<std::ptrdiff_t>(from + i * stride) * 32];
    }
#pragma unroll
    for (int i = 0; i < kAtOnce; ++i) {
      if (is_whole || from + i * stride < end) F::multiply(sums.of, a[i], fragment(from + i * stride));
    }
  };
  int from = first;
  for (; from + (kAtOnce - 1) * stride < end; from += kAtOnce * stride) take(from, true);
  if (from < end) take(from, false);
}

/// The number that an integer sum stands for.
__device__ inline float scaled(int sum, float x_scale, float w_scale) { return static_cast<float>(sum) * (x_scale * w_scale); }

/// The number that a sum of w's row `output` and x's row `row` stands for.
template <class F>
__device__ float number_of(typename F::Sum sum, const Matrix& w, int output, const SharedRows& x, int row) {
  if constexpr (F::kHasScales) {
    return scaled(sum, x.scales.read(row), w.scales[output]);
  } else {
    return sum;
  }
}

template <class F>
using Partial = Shared<Sums<F>>;  // [kWarps][32]
inline constexpr int kPartialBytes = kWarps * 32 * 16;
template <class F>
__device__ Partial<F> take_partial(SharedSpace& space) {
  return space.take<Sums<F>>(kWarps * 32);
}

/// All warps compute one tile, a part of the columns each: use(output row of w, row of x, number) by one thread for each of the 16 * 8.
/// Barriers within; one behind.
template <class F, class Value, class Use>
__device__ void for_tile(const Matrix& w, int tile, SlicedRows<F, Value>& x, const Partial<F>& partial, Use use) {
  const int steps = n_steps(w.k, F::kFormat);
  constexpr int kAtOnce = 8;  // with two blocks on each multiprocessor memory is busy
  Sums<F> sums = {};
  for (int first = 0; first < steps; first += kSliceSteps) {
    x.bring(first);
    const int end = steps < first + kSliceSteps ? steps : first + kSliceSteps;
    add_steps<F, kAtOnce>(sums, w, tile, first + warp_index(), end, kWarps,
                          [&](int step) { return row_fragment(x.memory(), step - first); });
  }
  partial.write(static_cast<int>(threadIdx.x), sums);
  __syncthreads();
  if (threadIdx.x < 32) {
    Sums<F> all = {};
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) all.add(partial.read(warp * 32 + lane_index()));
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int output = tile * kTile + sum_output(lane_index(), i);
      const int row = sum_row(lane_index(), i);
      use(output, row, number_of<F>(all.of[i], w, output, x.memory(), row));
    }
  }
  __syncthreads();
}

/// Each warp computes tiles of its own, all columns in ascending order: use(output row of w, number), x being one row. No barrier.
template <class F, class Use>
__device__ void for_all_tiles_of_row(const Matrix& w, const SharedRows& x, Use use) {
  constexpr int kAtOnce = 4;  // several of these products are in one kernel, which has no more registers
  for (int tile = warp_index(); tile < n_tiles(w.n); tile += kWarps) {
    Sums<F> sums = {};
    add_steps<F, kAtOnce>(sums, w, tile, 0, n_steps(w.k, F::kFormat), 1, [&](int step) { return one_row_fragment(x, step); });
#pragma unroll
    for (int i = 0; i < 4; i += 2) {
      const int output = tile * kTile + sum_output(lane_index(), i);
      if (sum_row(lane_index(), i) == 0 && output < w.n) use(output, number_of<F>(sums.of[i], w, output, x, 0));
    }
  }
}

}  // namespace octet::kernels::cuda

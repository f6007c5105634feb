// What becomes of the numbers of a chunk's product, whoever has multiplied. Included by .cu files.
#pragma once

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {

/// The number that a sum of the weights' row `output` and the chunk's row `row` stands for; 0 where there is no such output.
template <class F>
__device__ float number_of(const ChunkProductArgs& args, typename F::Sum sum, int row, int output) {
  if constexpr (F::kHasScales) {
    return output < args.w.n ? scaled(sum, args.x.scales[row], args.w.scales[output]) : 0.0F;
  } else {
    return sum;
  }
}

/// kStore or kAdd.
__device__ inline void put_number(const ChunkProductArgs& args, int first_row, int row, int output, float number) {
  const bool adds = args.kind == ChunkProductArgs::Kind::kAdd;
  const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(adds ? first_row + row : row) * args.w.n + output;
  args.to[at] = adds ? args.from[at] + number : number;
}

/// kSwiglu, column of d_ff.
__device__ inline void put_gated(const ChunkProductArgs& args, int row, int column, float gate, float up) {
  args.to[static_cast<std::ptrdiff_t>(row) * args.d_ff + column] = reference::silu(gate) * up;
}

}  // namespace octet::kernels::cuda

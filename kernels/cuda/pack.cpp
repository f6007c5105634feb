#include <algorithm>

#include "kernels/cuda/layout.h"

namespace octet::kernels::cuda {

void pack_fragments(const std::int8_t* rows, int n, int k, std::int8_t* fragments) {
  std::fill_n(fragments, fragment_bytes(n, k), std::int8_t{0});
  for (int row = 0; row < n; ++row) {
    for (int col = 0; col < k; ++col) {
      // Source: PTX ISA, "Matrix fragments for mma.m16n8k32": a lane has rows `group` and group + 8 and, of 32 columns, four from
      // 4 * in_group on in each half.
      const int group = row % 8;
      const int in_group = col % 16 / 4;
      const int reg = row % kTile / 8 + col % kDepth / 16 * 2;
      const std::ptrdiff_t tile = static_cast<std::ptrdiff_t>(row / kTile) * n_steps(k) + col / kDepth;
      fragments[(tile * 32 + group * 4 + in_group) * 16 + reg * 4 + col % 4] = rows[static_cast<std::ptrdiff_t>(row) * k + col];
    }
  }
}

}  // namespace octet::kernels::cuda

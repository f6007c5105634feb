#include <algorithm>

#include "kernels/cuda/layout.h"

namespace octet::kernels::cuda {
namespace {

/// T: a number of the format.
template <class T>
void pack(const T* rows, int n, int k, Format format, T* fragments) {
  constexpr int kInWord = 4 / sizeof(T);
  constexpr int kHalf = 4 * kInWord;  // columns of a step
  std::fill_n(fragments, fragment_bytes(n, k, format) / sizeof(T), T{0});
  for (int row = 0; row < n; ++row) {
    for (int col = 0; col < k; ++col) {
      // Source: PTX ISA, "Matrix fragments for mma.m16n8k32" and "... mma.m16n8k16": a lane has rows `group` and group + 8 and, of a step's
      // columns, a word from kInWord * in_group on in each half.
      const int lane = row % 8 * 4 + col % kHalf / kInWord;
      const int reg = row % kTile / 8 + col / kHalf % 2 * 2;
      const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(row / kTile) * n_steps(k, format) + col / (2 * kHalf);
      fragments[((step * 32 + lane) * 4 + reg) * kInWord + col % kInWord] = rows[static_cast<std::ptrdiff_t>(row) * k + col];
    }
  }
}

}  // namespace

void pack_fragments(const void* rows, int n, int k, Format format, void* fragments) {
  if (format == Format::kInt8) {
    pack(static_cast<const std::int8_t*>(rows), n, k, format, static_cast<std::int8_t*>(fragments));
  } else {
    pack(static_cast<const std::uint16_t*>(rows), n, k, format, static_cast<std::uint16_t*>(fragments));
  }
}

}  // namespace octet::kernels::cuda

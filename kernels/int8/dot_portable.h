// The inner products of the int8 profile in plain C++, for any processor.
#pragma once

#include "kernels/cpu/vec8.h"
#include "kernels/int8/narrow.h"
#include "kernels/int8/packed.h"

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr int kTileRows = 1;
template <int R>
constexpr int kTilePanels = 1;

OCTET_INLINE void store_row(std::uint8_t* row, std::ptrdiff_t, std::ptrdiff_t i, VecInt q) { store_bytes(row + i, to_bytes(q)); }

/// sums[16] = the row x . one panel w, k in quads.
template <int R, int P>
OCTET_APART void dot(const std::uint8_t* x, std::ptrdiff_t, const std::int8_t* w, std::ptrdiff_t, int quads, const std::int32_t*,
                     std::int32_t* sums) {
  static_assert(R == 1 && P == 1);
  for (int n = 0; n < int8::kPanel; ++n) sums[n] = 0;
  for (std::ptrdiff_t i = 0; i < quads; ++i, x += int8::kQuad, w += int8::kLine) {
    for (int n = 0; n < int8::kPanel; ++n) {
      for (int j = 0; j < int8::kQuad; ++j) sums[n] += static_cast<std::int8_t>(x[j]) * w[n * int8::kQuad + j];
    }
  }
}

/// sums[16] = a row of 16-bit weights . one panel, quads [begin, end).
template <int R>
OCTET_APART void mix(const std::int16_t* weights, std::ptrdiff_t, const std::int8_t* panel, int begin, int end, std::int32_t* sums) {
  static_assert(R == 1);
  for (int n = 0; n < int8::kPanel; ++n) sums[n] = 0;
  for (std::ptrdiff_t i = begin; i < end; ++i) {
    const std::int8_t* line = panel + i * int8::kLine;
    for (int n = 0; n < int8::kPanel; ++n) {
      for (int j = 0; j < int8::kQuad; ++j) sums[n] += weights[i * int8::kQuad + j] * line[n * int8::kQuad + j];
    }
  }
}

/// A panel from the first-level cache: what the compiler makes of it is this code's limit.
constexpr int kPeakProducts = 64 * int8::kLine;
OCTET_APART void peak(std::int64_t n) {
  alignas(64) std::int8_t panel[kPeakProducts] = {};
  alignas(64) std::uint8_t row[64 * int8::kQuad] = {};
  alignas(64) std::int32_t sums[int8::kPanel];
  for (std::int64_t i = 0; i < n; ++i) {
    dot<1, 1>(row, 0, panel, 0, 64, nullptr, sums);
    asm volatile("" ::"r"(sums) : "memory");
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

// The matrix product of attention, for numbers and for pairs of bfloat16: operands small enough for the first caches, so
// that only registers are blocked.
#pragma once

#include "kernels/training/vec.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// The left factor: a pointer and two strides, in elements (float or Bf16Pair).
template <typename T>
struct Strided {
  const T* data;
  std::int64_t row;
  std::int64_t column;
};

/// The right factor in panels of 2 * kVec columns; strides between two rows of a panel and between two panels, in elements.
template <typename T>
struct Panels {
  const T* data;
  std::int64_t row;
  std::int64_t panel;
};

/// A matrix whose rows are contiguous, as panels.
OCTET_INLINE Panels<float> plain(const float* data, std::int64_t row) { return {data, row, 2 * kVec}; }

/// c[m, n] = (kAdd ? c : 0) + a[m, k] * b[k, n], rows of c contiguous and `ldc` floats apart.
/// m: multiple of 8, n: multiple of 2 * kVec. Half of the registers hold results: eight of AVX2's 16 and sixteen of AVX-512's
/// 32, at least as many as two FMA pipes of latency 4 need.
template <bool kAdd, typename T>
OCTET_INLINE void multiply(Strided<T> a, Panels<T> b, float* c, std::int64_t ldc, int m, int n, int k) {
  constexpr int kRows = kVec / 2;
  for (int j = 0; j < n; j += 2 * kVec, b.data += b.panel) {
    for (int i = 0; i < m; i += kRows) {
      Vec low[kRows];
      Vec high[kRows];
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        low[r] = kAdd ? load(c + (i + r) * ldc + j) : Vec{};
        high[r] = kAdd ? load(c + (i + r) * ldc + j + kVec) : Vec{};
      }
      const T* a_block = a.data + i * a.row;
      const T* b_row = b.data;
      for (int l = 0; l < k; ++l, a_block += a.column, b_row += b.row) {
        const auto b_low = load(b_row);
        const auto b_high = load(b_row + kVec);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
          const auto x = broadcast(a_block[r * a.row]);
          low[r] = multiply_add(x, b_low, low[r]);
          high[r] = multiply_add(x, b_high, high[r]);
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        store(c + (i + r) * ldc + j, low[r]);
        store(c + (i + r) * ldc + j + kVec, high[r]);
      }
    }
  }
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

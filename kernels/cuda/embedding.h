// The input vector of a byte: its embedding and the n-grams that end with it. Included by .cu files.
#pragma once

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {

/// Row of an n-gram table: 32-bit FNV-1a over the last `order` of the tail's values, oldest first. at(i): the i-th value of the tail.
/// Source: the model's FORMAT.md, "Forward", step 1.
template <class At>
__device__ std::int64_t ngram_row(At at, int order, int n_rows) {
  unsigned hash = 2166136261U ^ static_cast<unsigned>(order);
  for (int i = kMaxTail - order; i < kMaxTail; ++i) hash = (hash ^ at(i)) * 16777619U;
  hash ^= hash >> 16;
  return hash & static_cast<unsigned>(n_rows - 1);
}

/// The n-gram rows that end with the tail, one behind the other, quantised by the warp: put(word index, word). Returns the scale. The warp
/// has a row of `indices`, [kMaxRows][kMaxOrders].
template <class At, class Put>
__device__ float quantize_grams(const Embedding& e, const Shared<int>& indices, At at, Put put) {
  const Shared<int> own = indices.from(warp_index() * kMaxOrders);
  if (lane_index() < e.n_orders) own.write(lane_index(), static_cast<int>(ngram_row(at, e.orders[lane_index()], e.ngram_rows)));
  __syncwarp();
  return quantize(
      e.n_orders * e.ngram_dim,
      [&](int i) {
        const Table& table = e.ngram[i / e.ngram_dim];
        const std::int64_t row = own.read(i / e.ngram_dim);
        return static_cast<float>(table.values[row * e.ngram_dim + i % e.ngram_dim]) * table.scales[row];
      },
      put);
}

/// The same into the warp's row of `rows`.
template <class At>
__device__ void quantize_grams(const Rows& rows, const Embedding& e, const Shared<int>& indices, At at) {
  const int row = warp_index();
  const float scale = quantize_grams(e, indices, at, [&](int word, unsigned four) { rows.words.write(row * rows.stride + word, four); });
  if (lane_index() == 0) rows.scales.write(row, scale);
}

__device__ inline float embedded(const Embedding& e, int byte, int i) {
  return static_cast<float>(e.embed.values[static_cast<std::ptrdiff_t>(byte) * e.d_model + i]) * e.embed.scales[byte];
}

}  // namespace octet::kernels::cuda

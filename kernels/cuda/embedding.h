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

/// The rows of the n-gram tables that end with the tail, found by the warp: it has a row of `indices`, [kMaxRows][kMaxOrders].
template <class At>
__device__ Shared<int> find_grams(const Embedding& e, const Shared<int>& indices, At at) {
  const Shared<int> own = indices.from(warp_index() * kMaxOrders);
  if (lane_index() < e.n_orders) own.write(lane_index(), static_cast<int>(ngram_row(at, e.orders[lane_index()], e.ngram_rows)));
  __syncwarp();
  return own;
}

/// Number i of these rows, one behind the other.
template <class F>
__device__ float gram(const Embedding& e, const Shared<int>& rows, int i) {
  const std::int64_t row = rows.read(i / e.ngram_dim);
  return F::look_up(e.ngram[i / e.ngram_dim], row, row * e.ngram_dim + i % e.ngram_dim);
}

template <class F>
__device__ float embedded(const Embedding& e, int byte, int i) {
  return F::look_up(e.embed, byte, static_cast<std::int64_t>(byte) * e.d_model + i);
}

}  // namespace octet::kernels::cuda

// The kernels of the int8 profile: one struct of function pointers for each instruction set, chosen once at run time.
//
// Every entry computes the same bits as its namesake in kernels/reference/int8_ops.h on every instruction set: sums of
// products are exact integers, and what is f32 has one fixed order that does not depend on how many rows are computed
// together. Pure functions: no state, no allocation, no errors. Callers check sizes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/int8/packed.h"

namespace octet::kernels::int8 {

/// Where the outputs of a product go.
struct Output {
  float* values;          // [m][stride]
  std::ptrdiff_t stride;  // floats from row to row
};

/// One key/value head's part of attention for n_queries quantised queries.
struct Attention {
  Rows queries;               // [n_queries] rows of head_dim
  const std::int64_t* begin;  // [n_queries] positions that a query sees: begin <= t < end
  const std::int64_t* end;
  int n_queries;
  int head_dim;
  float scale;            // head_dim^-0.5 * log2(e)
  const KvBlock* blocks;  // [n_blocks]; block b holds the positions of b * 256 and on. A ring: block b is blocks[b % n_blocks]
  std::int64_t n_blocks;
  float* const* out;  // [n_queries] pointers to head_dim floats
};

struct Kernels {
  const char* isa;

  /// x[m, k] as int8 rows: scale = max|x| / 127, q = x * (127 / max|x|) to the nearest even.
  void (*quantize)(const float* x, int m, int k, Rows out);

  /// quantize(RMSNorm(x) * gain); gain[k], or nullptr for 1.
  void (*norm_quantize)(const float* x, const float* gain, float eps, int m, int k, Rows out);

  /// y = x . w^T for the panels [begin, end) of w: y[m, n] = sum * (x.scale * w.scale), sum an exact int32; with `add`,
  /// that is added to what y holds.
  void (*matmul)(Rows x, int m, const PackedMatrix& w, int begin, int end, bool add, Output y);

  /// As matmul, for a w whose panels are gate and up in turn (2 * i and 2 * i + 1): y[m, n / 2] = silu(gate) * up for the
  /// pairs [begin, end).
  void (*matmul_swiglu)(Rows x, int m, const PackedMatrix& w, int begin, int end, Output y);

  /// Each of n_heads heads: RMSNorm with gain[head_dim], then RoPE with the angles of its position, in place.
  void (*rotate)(float* heads, const float* gain, float eps, const float* cosine, const float* sine, int n_heads, int head_dim);

  /// Quantises key[head_dim] and value[head_dim] into position `slot` of `block`.
  void (*append_kv)(const float* key, const float* value, int head_dim, const KvBlock& block, int slot);

  /// Softmax attention, block by block in ascending order (kernels/reference/int8_ops.h has the steps).
  void (*attention)(const Attention& attention);

  /// As reference::cell_update.
  void (*cell_update)(float* c, const float* recur_c, const float* z, const float* embed_e, const float* gate_e, int r);

  /// For benchmarks, what the processor could do at best: reads n bytes (64-byte aligned, a multiple of 256) in order; and does
  /// peak_products * n products of int8 or 16-bit numbers with exact sums, from registers.
  void (*read)(const std::uint8_t* bytes, std::size_t n);
  void (*peak)(std::int64_t n);
  int peak_products;
};

/// What this processor can run, best first; the last ("baseline") runs everywhere.
std::span<const Kernels* const> supported();

/// The best, or the one named `forced` where that is not empty; nullptr when this processor cannot run it or nobody knows
/// the name.
const Kernels* select(std::string_view forced);

}  // namespace octet::kernels::int8

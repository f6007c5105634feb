// How the int8 profile lays out its operands, the same for every instruction set. Values without owners: pointers into
// memory that the caller keeps.
//
// A packed matrix [n, k] is int8 in panels of 16 output rows: [n/16][k/4][16][4]. One 64-byte line holds four consecutive
// k of 16 rows: what one vpdpbusd (or two 32-byte halves) consumes. Rows and columns beyond n and k are 0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::int8 {

inline constexpr int kPanel = 16;             // output rows of a panel
inline constexpr int kQuad = 4;               // columns that lie together
inline constexpr int kLine = kPanel * kQuad;  // bytes of a panel's quad
inline constexpr int kKvBlock = 256;          // positions of a block of keys and values, aligned to absolute positions
inline constexpr int kMaxWeight = 127;        // values are symmetric: -128 never occurs

constexpr int n_quads(int k) { return (k + kQuad - 1) / kQuad; }
constexpr int n_panels(int n) { return (n + kPanel - 1) / kPanel; }
constexpr std::size_t packed_bytes(int n, int k) {
  return static_cast<std::size_t>(n_panels(n)) * static_cast<std::size_t>(n_quads(k)) * kLine;
}

/// A weight matrix [n, k]. All arrays are padded to whole panels, with zeros.
struct PackedMatrix {
  const std::int8_t* values;   // packed, 64-byte aligned
  const float* scales;         // [n] of each row
  const std::int32_t* biases;  // [n] 128 times the sum of a row: what kernels with unsigned inputs subtract
  int n;
  int k;
};

/// Writes rows[n, k] (row-major) as panels. `biases` may be null.
void pack(const std::int8_t* rows, int n, int k, std::int8_t* values, std::int32_t* biases);

/// Bytes from one quantised row of k numbers to the next: two planes, whose content is the kernels' own affair.
constexpr std::size_t row_bytes(int k) { return 2 * ((static_cast<std::size_t>(k) + 63) / 64 * 64); }

/// m quantised rows of k numbers each: written by quantize() or norm_quantize() of a table, read by matmul() of the same.
struct Rows {
  std::uint8_t* values;  // [m][row_bytes(k)], 64-byte aligned
  float* scales;         // [m]; a row that holds no number (NaN, infinity) has a NaN here
};

/// The keys and values of kKvBlock positions of one key/value head.
struct KvBlock {
  std::int8_t* keys;         // packed [kKvBlock, head_dim]
  std::int8_t* values;       // packed [head_dim, kKvBlock]: four positions of 16 dimensions in a line
  float* key_scales;         // [kKvBlock]
  float* value_scales;       // [kKvBlock]
  std::int32_t* key_biases;  // [kKvBlock] as PackedMatrix::biases
};

}  // namespace octet::kernels::int8

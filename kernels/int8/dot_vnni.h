// The inner products of the int8 profile with VNNI, in registers of 32 or 64 bytes. Included by the headers that define Register
// and its operations: zero, load, broadcast_quad, add_quads, store_difference.
//
// vpdpbusd multiplies unsigned by signed bytes: inputs are stored as x + 128, and 128 times the sum of the weights
// (PackedMatrix::biases) is subtracted at the end. Sums wrap modulo 2^32 on the way, the difference is exact.
#pragma once

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr int kPanelRegisters = int8::kLine / static_cast<int>(sizeof(Register));  // registers of a panel

/// One plane: x + 128.
OCTET_INLINE void store_row(std::uint8_t* row, std::ptrdiff_t, std::ptrdiff_t i, VecInt q) {
  store_bytes(row + i, to_bytes(q) ^ static_cast<std::int8_t>(-128));
}

/// sums[R][P * 16] = R rows x (stride apart) . P panels w (panel_bytes apart) - biases[P * 16], k in quads.
template <int R, int P>
OCTET_APART void dot(const std::uint8_t* x, std::ptrdiff_t stride, const std::int8_t* w, std::ptrdiff_t panel_bytes, int quads,
                     const std::int32_t* biases, std::int32_t* sums) {
  constexpr int kSums = P * kPanelRegisters;  // registers of a row
  Register acc[R][kSums];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int i = 0; i < kSums; ++i) acc[r][i] = zero();
  }
  for (std::ptrdiff_t quad = 0; quad < quads; ++quad, x += int8::kQuad, w += int8::kLine) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      Register line[kPanelRegisters];
#pragma GCC unroll 2
      for (int part = 0; part < kPanelRegisters; ++part)
        line[part] = load(w + p * panel_bytes + part * static_cast<std::ptrdiff_t>(sizeof(Register)));
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Register value = broadcast_quad(x + r * stride);
#pragma GCC unroll 2
        for (int part = 0; part < kPanelRegisters; ++part) add_quads(acc[r][p * kPanelRegisters + part], value, line[part]);
      }
    }
  }
  constexpr int kLanesOfSums = static_cast<int>(sizeof(Register) / sizeof(std::int32_t));
#pragma GCC unroll 16
  for (int i = 0; i < kSums; ++i) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) store_difference(sums + (r * kSums + i) * kLanesOfSums, acc[r][i], biases + i * kLanesOfSums);
  }
}

/// The most exact products that the processor can add up: vpdpbusd from registers, kPeakChains at a time.
constexpr int kPeakProducts = kPeakChains * static_cast<int>(sizeof(Register));
OCTET_APART void peak(std::int64_t n) {
  Register acc[kPeakChains];
  const Register x = zero();
#pragma GCC unroll 16
  for (auto& sum : acc) sum = zero();
  for (std::int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 16
    for (auto& sum : acc) add_quads(sum, x, x);
  }
#pragma GCC unroll 16
  for (auto& sum : acc) keep(sum);
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

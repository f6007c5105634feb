// Products of quantised rows with a packed matrix. Included by int8_kernels.cpp alone.
//
// A tile is R rows times P panels whose sums stay in registers. Panels are taken in strips that stay in the first-level cache
// while all rows pass over them, so that a weight is read from afar once whatever the number of rows.
#pragma once

#include "kernels/cpu/vec8.h"
#include "kernels/int8/int8_kernels.h"

namespace octet::kernels::OCTET_ISA {
namespace {

constexpr int kStripBytes = 16 << 10;

/// f(Count<n>) for n <= kTileRows.
template <class F, int R = kTileRows>
OCTET_INLINE void with_rows(int n, F f) {
  if constexpr (R > 1) {
    if (n < R) return with_rows<F, R - 1>(n, f);
  }
  f(Count<R>{});
}

/// f(first row, Count of rows) for tiles of up to kTileRows rows.
template <class F>
OCTET_INLINE void for_row_tiles(int m, F f) {
  for (int row = 0; row < m; row += kTileRows) {
    with_rows(m - row < kTileRows ? m - row : kTileRows, [&](auto rows) { f(row, rows); });
  }
}

/// f(panel, next panel) for strips of the panels [begin, end), each a multiple of `unit` panels but the last.
template <class F>
OCTET_INLINE void for_strips(int m, int begin, int end, std::ptrdiff_t panel_bytes, int unit, F f) {
  const int in_cache = static_cast<int>(kStripBytes / panel_bytes) / unit * unit;
  const int strip = m <= kTileRows ? end - begin : in_cache > unit ? in_cache : unit;
  for (int panel = begin; panel < end; panel += strip) f(panel, panel + strip < end ? panel + strip : end);
}

/// The numbers that sums[16] of one row and one panel stand for.
struct Scaled {
  Vec low, high;
};
OCTET_INLINE Scaled scaled(const std::int32_t* sums, float x_scale, const float* w_scales) {
  const auto* parts = reinterpret_cast<const VecInt*>(sums);
  return {__builtin_convertvector(parts[0], Vec) * (x_scale * load(w_scales)),
          __builtin_convertvector(parts[1], Vec) * (x_scale * load(w_scales + kVec))};
}

/// f(row in the tile, panel, its 16 sums) for R rows and the panels [begin, end).
template <int R, class F>
OCTET_INLINE void for_sums(const std::uint8_t* x, std::ptrdiff_t stride, const int8::PackedMatrix& w, int begin, int end, F f) {
  constexpr int P = kTilePanels<R>;
  const int quads = int8::n_quads(w.k);
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(quads) * int8::kLine;
  alignas(64) std::int32_t sums[R * P * int8::kPanel];
  const auto tile = [&](int panel, auto count) {
    constexpr int kCount = decltype(count)::value;
    dot<R, kCount>(x, stride, w.values + panel * panel_bytes, panel_bytes, quads, w.biases + panel * int8::kPanel, sums);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int p = 0; p < kCount; ++p) f(r, panel + p, sums + (r * kCount + p) * int8::kPanel);
    }
  };
  int panel = begin;
  for (; panel + P <= end; panel += P) tile(panel, Count<P>{});
  for (; panel < end; ++panel) tile(panel, Count<1>{});
}

void matmul(int8::Rows x, int m, const int8::PackedMatrix& w, int begin, int end, bool add, int8::Output y) {
  const auto stride = static_cast<std::ptrdiff_t>(int8::row_bytes(w.k));
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(int8::n_quads(w.k)) * int8::kLine;
  for_strips(m, begin, end, panel_bytes, kTilePanels<kTileRows>, [&](int first, int last) {
    for_row_tiles(m, [&](int row, auto rows) {
      for_sums<decltype(rows)::value>(x.values + row * stride, stride, w, first, last, [&](int r, int panel, const std::int32_t* sums) {
        Scaled out = scaled(sums, x.scales[row + r], w.scales + panel * int8::kPanel);
        float* to = y.values + (row + r) * y.stride + static_cast<std::ptrdiff_t>(panel) * int8::kPanel;
        const int n = w.n - panel * int8::kPanel;
        if (n >= int8::kPanel) {
          if (add) {
            out.low = load(to) + out.low;
            out.high = load(to + kVec) + out.high;
          }
          store(to, out.low);
          store(to + kVec, out.high);
        } else {
          const int n_high = n > kVec ? n - kVec : 0;
          store_part(to, add ? load_part(to, n) + out.low : out.low, n);
          store_part(to + kVec, add ? load_part(to + kVec, n_high) + out.high : out.high, n_high);
        }
      });
    });
  });
}

void matmul_swiglu(int8::Rows x, int m, const int8::PackedMatrix& w, int begin, int end, int8::Output y) {
  const auto stride = static_cast<std::ptrdiff_t>(int8::row_bytes(w.k));
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(int8::n_quads(w.k)) * int8::kLine;
  const int n_out = w.n / 2;
  for_strips(m, 2 * begin, 2 * end, panel_bytes, 2, [&](int first, int last) {
    for_row_tiles(m, [&](int row, auto rows) {
      constexpr int R = decltype(rows)::value;
      Scaled gates[R];
      for (int pair = first; pair < last; pair += 2) {
        for_sums<R>(x.values + row * stride, stride, w, pair, pair + 2, [&](int r, int panel, const std::int32_t* sums) {
          const Scaled out = scaled(sums, x.scales[row + r], w.scales + panel * int8::kPanel);
          if (panel % 2 == 0) {
            gates[r] = out;
            return;
          }
          const int column = panel / 2 * int8::kPanel;
          float* to = y.values + (row + r) * y.stride + column;
          const int n = n_out - column;
          store_part(to, silu(gates[r].low) * out.low, n);
          if (n > kVec) store_part(to + kVec, silu(gates[r].high) * out.high, n - kVec);
        });
      }
    });
  });
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA

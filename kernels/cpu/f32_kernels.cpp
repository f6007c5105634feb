// The hot operations of the f32 profile, and the softmax of a choice. This one source is compiled once for each instruction set, with
// OCTET_ISA naming the namespace.
//
// The bits equal kernels/reference (vec8.h says how); the tail of a row enters the lanes it belongs to.
// Pure file: no functions or templates of the standard library, so that the linker can never choose a copy compiled
// for a newer processor for the rest of the program.
#include "kernels/cpu/kernel_table.h"
#include "kernels/cpu/vec8.h"

namespace octet::kernels::OCTET_ISA {
namespace {

static_assert(kLanes == reference::kLanes && kLanes == 2 * kVec);

/// y[R, C] with row stride y_stride = R rows of x times C rows of w: R * C pairs of accumulators, all in registers.
template <int R, int C>
OCTET_INLINE void dot_block(const float* x, const float* w, float* y, int y_stride, int k) {
  Vec low[R][C] = {};
  Vec high[R][C] = {};
  const int whole = k - k % kLanes;
  for (int i = 0; i < whole; i += kLanes) {
    Vec x_low[R];
    Vec x_high[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      x_low[r] = load(x + static_cast<std::ptrdiff_t>(r) * k + i);
      x_high[r] = load(x + static_cast<std::ptrdiff_t>(r) * k + i + kVec);
    }
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      const Vec w_low = load(w + static_cast<std::ptrdiff_t>(c) * k + i);
      const Vec w_high = load(w + static_cast<std::ptrdiff_t>(c) * k + i + kVec);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) {
        low[r][c] += x_low[r] * w_low;
        high[r][c] += x_high[r] * w_high;
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      if (whole < k) {  // adding 0 to the lanes beyond the end changes none of them
        float products[kLanes] = {};
        for (int i = whole; i < k; ++i) {
          products[i - whole] = x[static_cast<std::ptrdiff_t>(r) * k + i] * w[static_cast<std::ptrdiff_t>(c) * k + i];
        }
        low[r][c] += load(products);
        high[r][c] += load(products + kVec);
      }
      y[static_cast<std::ptrdiff_t>(r) * y_stride + c] = fold(low[r][c], high[r][c]);
    }
  }
}

/// R rows of x against n rows of w, C at a time.
template <int R, int C>
OCTET_INLINE void dot_rows(const float* x, const float* w, float* y, int n, int y_stride, int k) {
  int col = 0;
  for (; col + C <= n; col += C) dot_block<R, C>(x, w + static_cast<std::ptrdiff_t>(col) * k, y + col, y_stride, k);
  for (; col < n; ++col) dot_block<R, 1>(x, w + static_cast<std::ptrdiff_t>(col) * k, y + col, y_stride, k);
}

void matmul(const float* x, const float* w, float* y, int m, int n, int k) {
  // Rows of w are taken in panels that stay in the first-level cache while all rows of x pass over them.
  constexpr int kPanelFloats = (16 << 10) / static_cast<int>(sizeof(float));
  const int panel = kPanelFloats / k < 4 ? 4 : kPanelFloats / k / 4 * 4;
  for (int col = 0; col < n; col += panel) {
    const int width = n - col < panel ? n - col : panel;
    const float* panel_w = w + static_cast<std::ptrdiff_t>(col) * k;
    int row = 0;
    for (; row + 2 <= m; row += 2) {
      dot_rows<2, 2>(x + static_cast<std::ptrdiff_t>(row) * k, panel_w, y + static_cast<std::ptrdiff_t>(row) * n + col, width, n, k);
    }
    if (row < m) {
      dot_rows<1, 4>(x + static_cast<std::ptrdiff_t>(row) * k, panel_w, y + static_cast<std::ptrdiff_t>(row) * n + col, width, n, k);
    }
  }
}

/// scores = exp(scores - largest); returns their sum in dot()'s order. Works on whole vectors: scores has room for
/// n rounded up to 16.
OCTET_INLINE float exp_and_sum(float* scores, std::int64_t n, float largest) {
  Vec sums[2] = {};
  for (std::int64_t t = 0; t < n; t += kVec) {
    Vec x = exp(load(scores + t) - largest);
    if (n - t < kVec) {
      float kept[kVec] = {};
      for (std::int64_t i = 0; i < n - t; ++i) kept[i] = x[i];
      x = load(kept);
    }
    store(scores + t, x);
    sums[(t / kVec) % 2] += x;
  }
  return fold(sums[0], sums[1]);
}

/// out[width] = sum_t scores[t] * values[t * stride ...] / total, t ascending; V vectors of the head at once.
template <int V>
OCTET_INLINE void weigh(const float* scores, const float* values, std::ptrdiff_t stride, std::int64_t n, float total, float* out) {
  Vec sums[V] = {};
  for (std::int64_t t = 0; t < n; ++t) {
    const float* value = values + t * stride;
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sums[v] += scores[t] * load(value + v * kVec);
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) store(out + v * kVec, sums[v] / total);
}

void attention(const float* q, const float* keys, const float* values, std::int64_t begin, std::int64_t end,
               reference::AttentionShape shape, float* scores, float* out) {
  const int group = shape.n_heads / shape.n_kv_heads;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(shape.n_kv_heads) * shape.head_dim;
  const std::int64_t n = end - begin;
  for (int head = 0; head < shape.n_heads; ++head, q += shape.head_dim, out += shape.head_dim) {
    const std::ptrdiff_t head_start = begin * stride + static_cast<std::ptrdiff_t>(head / group) * shape.head_dim;
    float largest = -__builtin_inff();
    for (std::int64_t t = 0; t < n; ++t) {
      dot_block<1, 1>(q, keys + head_start + t * stride, scores + t, 1, shape.head_dim);
      largest = scores[t] > largest ? scores[t] : largest;
    }
    const float total = exp_and_sum(scores, n, largest);
    int i = 0;
    for (; i + 4 * kVec <= shape.head_dim; i += 4 * kVec) weigh<4>(scores, values + head_start + i, stride, n, total, out + i);
    for (; i + kVec <= shape.head_dim; i += kVec) weigh<1>(scores, values + head_start + i, stride, n, total, out + i);
    for (; i < shape.head_dim; ++i) {
      float sum = 0;
      for (std::int64_t t = 0; t < n; ++t) sum += scores[t] * values[head_start + t * stride + i];
      out[i] = sum / total;
    }
  }
}

float masked_softmax_at(const float* x, const bool* allowed, int n, int chosen) {
  typedef std::int8_t Flags __attribute__((vector_size(8), aligned(1), may_alias));
  const float origin = x[chosen];
  Vec sums[2] = {};
  for (int i = 0; i < n; i += kVec) {
    const int width = n - i < kVec ? n - i : kVec;
    Flags flags = {};
    __builtin_memcpy(&flags, allowed + i, static_cast<std::size_t>(width));
    const VecInt mask = __builtin_convertvector(flags, VecInt) != 0;
    const Vec terms = exp(load_part(x + i, width) - origin);
    sums[i / kVec % 2] += mask ? terms : Vec{};
  }
  return 1.0F / fold(sums[0], sums[1]);
}

}  // namespace

extern const KernelTable kTable;
const KernelTable kTable{OCTET_STRING(OCTET_ISA), &matmul, &attention, &masked_softmax_at};

}  // namespace octet::kernels::OCTET_ISA

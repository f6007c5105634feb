// Operands of the int8 kernels: each table's own form beside the plain one that the reference reads.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#include "kernels/int8/int8_kernels.h"
#include "kernels/reference/int8_ops.h"
#include "tests/kernels/random_floats.h"
#include "tests/support/int8_tables.h"

namespace octet::tests {

inline std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// The same bits, or NaN in both: which of two NaN an operation hands on is the compiler's choice.
inline bool is_same_number(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// 64-byte aligned, and ends where the allocation ends; full of what a kernel must not read.
template <class T>
class Aligned {
 public:
  explicit Aligned(std::size_t n) : n_(n), data_(static_cast<T*>(::operator new(n * sizeof(T), kAlignment))) {
    std::memset(data_, kPoison, n * sizeof(T));
  }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  ~Aligned() { ::operator delete(data_, kAlignment); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return n_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  static constexpr int kPoison = 0xA5;

  std::size_t n_;
  T* data_;
};

/// q[m, k] and scales as the reference has them.
struct PlainRows {
  PlainRows(const float* x, int m, int k) : q(product(m, k)), scales(static_cast<std::size_t>(m)) {
    for (int row = 0; row < m; ++row)
      scales[static_cast<std::size_t>(row)] = kernels::reference::quantize_row(x + row * k, k, &q[product(row, k)]);
  }

  std::vector<std::int8_t> q;
  std::vector<float> scales;
};

/// Room for the rows of one table.
struct RowStorage {
  RowStorage(int m, int k) : values(static_cast<std::size_t>(m) * kernels::int8::row_bytes(k)), scales(static_cast<std::size_t>(m)) {}
  kernels::int8::Rows rows() { return {values.data(), scales.data()}; }

  Aligned<std::uint8_t> values;
  Guarded scales;
};

/// A weight matrix [n, k], plain and packed.
class Weights {
 public:
  Weights(std::vector<std::int8_t> rows, const std::vector<float>& row_scales, int n, int k)
      : plain(std::move(rows)),
        scales(static_cast<std::size_t>(kernels::int8::n_panels(n) * kernels::int8::kPanel)),
        n_(n),
        k_(k),
        values_(kernels::int8::packed_bytes(n, k)),
        biases_(scales.size()) {
    std::copy(row_scales.begin(), row_scales.end(), scales.begin());
    kernels::int8::pack(plain.data(), n, k, values_.data(), biases_.data());
  }

  Weights(RandomFloats& random, int n, int k) : Weights(random_rows(random, product(n, k)), random_scales(random, n), n, k) {}

  kernels::int8::PackedMatrix packed() const { return {values_.data(), scales.data(), biases_.data(), n_, k_}; }

  std::vector<std::int8_t> plain;
  std::vector<float> scales;

 private:
  static std::vector<std::int8_t> random_rows(RandomFloats& random, std::size_t size) {
    std::vector<std::int8_t> rows(size);
    for (std::int8_t& value : rows) value = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - kernels::int8::kMaxWeight);
    return rows;
  }
  static std::vector<float> random_scales(RandomFloats& random, int n) {
    std::vector<float> scales = random.normal(static_cast<std::size_t>(n), 0.01F);
    for (float& scale : scales) scale = std::abs(scale);
    return scales;
  }

  int n_;
  int k_;
  Aligned<std::int8_t> values_;
  Aligned<std::int32_t> biases_;
};

}  // namespace octet::tests

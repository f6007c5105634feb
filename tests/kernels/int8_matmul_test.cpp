// Products of the int8 tables against kernels/reference, bit for bit: sizes around tiles, panels, quads and strips, parts of a
// matrix, and canaries around what is written.
#include <catch2/catch.hpp>
#include <limits>

#include "kernels/reference/math.h"
#include "tests/kernels/int8_operands.h"

namespace octet::tests {
namespace {

using kernels::int8::Kernels;
using kernels::int8::kMaxWeight;
using kernels::int8::kPanel;
using kernels::int8::n_panels;
namespace reference = kernels::reference;

/// Rows of numbers, as they are and as the reference quantises them.
struct Input {
  Input(const std::vector<float>& numbers, int n_rows, int n_columns) : x(numbers), m(n_rows), k(n_columns), plain(x.data(), m, k) {}
  Input(RandomFloats& random, int n_rows, int n_columns) : Input(random.normal(product(n_rows, n_columns)), n_rows, n_columns) {}

  Unaligned x;
  int m;
  int k;
  PlainRows plain;
};

float expected_element(const Input& in, const Weights& w, int row, int col) {
  const std::int32_t sum = reference::dot_int8(&in.plain.q[product(row, in.k)], &w.plain[product(col, in.k)], in.k);
  return reference::scaled(sum, in.plain.scales[static_cast<std::size_t>(row)], w.scales[static_cast<std::size_t>(col)]);
}

/// The panels [begin, end) and where they go.
struct Part {
  int begin;
  int end;
  int gap;   // floats between a row's end and the next row
  bool add;  // to what is there
};

/// Compares one product of every table with the reference; false names the table in a failed CHECK.
bool check_matmul(RandomFloats& random, const Input& in, const Weights& w, int n, Part part) {
  const int stride = n + part.gap;
  Guarded before(product(in.m, stride));
  if (part.add) {
    const std::vector<float> numbers = random.normal(before.size());
    std::copy(numbers.begin(), numbers.end(), before.data());
  }
  Guarded expected = before;
  for (int row = 0; row < in.m; ++row) {
    for (int col = part.begin * kPanel; col < std::min(n, part.end * kPanel); ++col) {
      float& y = expected.data()[product(row, stride) + static_cast<std::size_t>(col)];
      const float value = expected_element(in, w, row, col);
      y = part.add ? y + value : value;
    }
  }
  bool is_same = true;
  for (const Kernels* table : int8_tables()) {
    RowStorage rows(in.m, in.k);
    table->quantize(in.x.data(), in.m, in.k, rows.rows());
    Guarded found = before;
    table->matmul(rows.rows(), in.m, w.packed(), part.begin, part.end, part.add, {found.data(), stride});
    if (found.same_bits(expected)) continue;
    CAPTURE(table->isa, in.m, n, in.k, part.begin, part.end, part.gap, part.add);
    CHECK(found.same_bits(expected));
    is_same = false;
  }
  return is_same;
}

/// All panels, and every other case in turn: with and without a gap, adding or not.
bool check_whole(RandomFloats& random, int m, int n, int k) {
  const Input in(random, m, k);
  const Weights w(random, n, k);
  const bool is_odd = (m + n + k) % 2 != 0;
  return check_matmul(random, in, w, n, {0, n_panels(n), is_odd ? 5 : 0, is_odd}) &&
         check_matmul(random, in, w, n, {0, n_panels(n), is_odd ? 0 : 3, !is_odd});
}

/// The reference's SwiGLU of the pairs of panels [begin, end) of w.
void swiglu(const Input& in, const Weights& w, int n, int begin, int end, int stride, float* y) {
  for (int row = 0; row < in.m; ++row) {
    for (int col = begin * kPanel; col < std::min(n / 2, end * kPanel); ++col) {
      const int gate_row = col / kPanel * 2 * kPanel + col % kPanel;
      const float gate = expected_element(in, w, row, gate_row);
      y[product(row, stride) + static_cast<std::size_t>(col)] = reference::silu(gate) * expected_element(in, w, row, gate_row + kPanel);
    }
  }
}

bool check_swiglu(RandomFloats& random, int m, int n, int k, int begin, int end, int gap) {
  const Input in(random, m, k);
  const Weights w(random, n, k);
  const int stride = n / 2 + gap;
  Guarded expected(product(m, stride));
  swiglu(in, w, n, begin, end, stride, expected.data());
  bool is_same = true;
  for (const Kernels* table : int8_tables()) {
    RowStorage rows(m, k);
    table->quantize(in.x.data(), m, k, rows.rows());
    Guarded found(product(m, stride));
    table->matmul_swiglu(rows.rows(), m, w.packed(), begin, end, {found.data(), stride});
    if (found.same_bits(expected)) continue;
    CAPTURE(table->isa, m, n, k, begin, end, gap);
    CHECK(found.same_bits(expected));
    is_same = false;
  }
  return is_same;
}

}  // namespace

TEST_CASE("int8 matmul has the reference's bits at every small size", "[int8]") {
  const int m = GENERATE(range(1, 18), values({33, 64}));
  RandomFloats random(2000 + static_cast<std::uint32_t>(m));
  for (int n = 1; n <= 50; ++n) {
    for (const int k : {1, 2, 3, 4, 6, 9, 16, 33, 70}) {
      if (!check_whole(random, m, n, k)) FAIL("the first size that differs ends the sweep");
    }
  }
  for (int k = 1; k <= 70; ++k) {
    for (const int n : {3, 8, 16, 25, 47}) {
      if (!check_whole(random, m, n, k)) FAIL("the first size that differs ends the sweep");
    }
  }
}

TEST_CASE("int8 matmul has the reference's bits at sizes of real models and across strips of panels", "[int8]") {
  RandomFloats random(2100);
  struct Size {
    int m, n, k;
  };
  // A strip is 16 KiB of panels: 1024 quads of one panel. Rows of k = 4096 and more fill it alone.
  for (const Size& s : {Size{1, 256, 192}, Size{8, 512, 192}, Size{9, 516, 192}, Size{33, 192, 512}, Size{64, 200, 160}, Size{20, 700, 64},
                        Size{17, 50, 4096}, Size{17, 70, 4100}, Size{9, 40, 9001}, Size{1, 1, 20000}, Size{5, 140, 2048}, Size{12, 1100, 4},
                        Size{1, 129, 48}}) {
    CHECK(check_whole(random, s.m, s.n, s.k));
  }
}

TEST_CASE("int8 matmul computes any range of panels and leaves the rest of the output as it is", "[int8]") {
  RandomFloats random(2200);
  for (const int m : {1, 2, 3, 4, 5, 8, 11, 33}) {
    for (const int n : {16, 31, 100, 177}) {
      const int k = 37;
      const Input in(random, m, k);
      const Weights w(random, n, k);
      for (int begin = 0; begin < n_panels(n); ++begin) {
        for (int end = begin; end <= n_panels(n); ++end) {
          const bool add = (begin + end) % 2 != 0;
          if (!check_matmul(random, in, w, n, {begin, end, begin, add})) FAIL("the first range that differs ends the sweep");
        }
      }
    }
  }
}

TEST_CASE("int8 matmul sums the largest products exactly", "[int8]") {
  RandomFloats random(2300);
  for (const int k : {1, 4, 5, 64, 192, 1000}) {
    for (const int m : {1, 2, 5, 9}) {
      constexpr int kColumns = 37;
      for (const int signs : {0, 1, 2}) {  // all alike, opposite, mixed
        std::vector<float> x(product(m, k), 127.0F);
        std::vector<std::int8_t> rows(product(kColumns, k), static_cast<std::int8_t>(signs == 1 ? -kMaxWeight : kMaxWeight));
        if (signs == 2) {
          for (float& value : x) value = random.below(2) == 0 ? 127.0F : -127.0F;
          for (std::int8_t& value : rows) value = random.below(2) == 0 ? kMaxWeight : -kMaxWeight;
        }
        const Weights w(std::move(rows), std::vector<float>(kColumns, 1.0F), kColumns, k);
        CHECK(check_matmul(random, Input(x, m, k), w, kColumns, {0, n_panels(kColumns), 0, false}));
      }
    }
  }
}

TEST_CASE("an int8 row's bits do not depend on how many rows are multiplied with it", "[int8]") {
  RandomFloats random(2400);
  for (const Kernels* table : int8_tables()) {
    for (const int k : {1, 16, 37, 192}) {
      for (const int n : {1, 16, 40, 300}) {
        for (const int m : {2, 3, 4, 5, 7, 8, 9, 16, 17}) {
          const std::vector<float> x = random.normal(product(m, k));
          const Weights w(random, n, k);
          RowStorage rows(m, k);
          table->quantize(x.data(), m, k, rows.rows());
          std::vector<float> batch(product(m, n));
          table->matmul(rows.rows(), m, w.packed(), 0, n_panels(n), false, {batch.data(), n});
          std::vector<float> single(batch.size());
          for (int row = 0; row < m; ++row) {
            RowStorage alone(1, k);
            table->quantize(x.data() + row * k, 1, k, alone.rows());
            table->matmul(alone.rows(), 1, w.packed(), 0, n_panels(n), false, {single.data() + row * n, n});
          }
          CAPTURE(table->isa, m, n, k);
          CHECK(std::memcmp(batch.data(), single.data(), batch.size() * sizeof(float)) == 0);
        }
      }
    }
  }
}

TEST_CASE("int8 matmul gives NaN for a row that holds none of the numbers, and for no other", "[int8]") {
  constexpr int kColumns = 20;
  constexpr int kWidth = 21;
  RandomFloats random(2500);
  const Weights w(random, kColumns, kWidth);
  for (int bad_row = 0; bad_row < 9; ++bad_row) {
    std::vector<float> x = random.normal(product(9, kWidth));
    x[product(bad_row, kWidth) + random.below(kWidth)] = std::numeric_limits<float>::quiet_NaN();
    const Input in(x, 9, kWidth);
    for (const Kernels* table : int8_tables()) {
      RowStorage rows(9, kWidth);
      table->quantize(in.x.data(), 9, kWidth, rows.rows());
      std::vector<float> found(product(9, kColumns));
      table->matmul(rows.rows(), 9, w.packed(), 0, n_panels(kColumns), false, {found.data(), kColumns});
      bool is_same = true;
      for (int row = 0; row < 9; ++row) {
        for (int col = 0; col < kColumns; ++col) {
          const float y = found[product(row, kColumns) + static_cast<std::size_t>(col)];
          is_same = is_same && std::isnan(y) == (row == bad_row) && is_same_number(y, expected_element(in, w, row, col));
        }
      }
      CAPTURE(table->isa, bad_row);
      CHECK(is_same);
    }
  }
}

TEST_CASE("int8 matmul_swiglu has the reference's bits at every small size", "[int8]") {
  const int m = GENERATE(range(1, 18), values({33}));
  RandomFloats random(2600 + static_cast<std::uint32_t>(m));
  for (const int n : {32, 64, 96, 160}) {
    for (const int k : {1, 3, 4, 7, 16, 64, 70}) {
      if (!check_swiglu(random, m, n, k, 0, n / 2 / kPanel, k % 3)) FAIL("the first size that differs ends the sweep");
    }
  }
}

TEST_CASE("int8 matmul_swiglu computes any range of pairs, across strips and for real models", "[int8]") {
  RandomFloats random(2700);
  for (const int m : {1, 4, 5, 9}) {
    for (int begin = 0; begin < 5; ++begin) {
      for (int end = begin; end <= 5; ++end) CHECK(check_swiglu(random, m, 160, 20, begin, end, 7));
    }
  }
  CHECK(check_swiglu(random, 1, 1024, 192, 0, 32, 0));
  CHECK(check_swiglu(random, 20, 1024, 192, 0, 32, 0));
  CHECK(check_swiglu(random, 20, 96, 3000, 0, 3, 0));  // a pair of panels is more than a strip
  CHECK(check_swiglu(random, 20, 96, 5000, 1, 3, 0));
}

}  // namespace octet::tests

// The int8 tables of this processor, and the AVX-512 kernels in emulation, against kernels/reference, bit for bit: what turns
// floats into rows, what works on single numbers, and the packed form. Products and attention have files of their own.
#include "kernels/int8/int8_kernels.h"

#include <catch2/catch.hpp>
#include <string>

#include "kernels/reference/ops.h"
#include "tests/kernels/int8_operands.h"

namespace octet::tests {
namespace {

using kernels::int8::Kernels;
using kernels::int8::kPanel;
using kernels::int8::kQuad;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// What rows hold is the table's own affair: it comes back through a product with the identity and scales of 1.
std::vector<float> integers_of(const Kernels& table, RowStorage& storage, int m, int k) {
  std::vector<std::int8_t> identity(product(k, k));
  for (int i = 0; i < k; ++i) identity[product(i, k + 1)] = 1;
  const Weights weights(std::move(identity), std::vector<float>(static_cast<std::size_t>(k), 1.0F), k, k);
  std::vector<float> ones(static_cast<std::size_t>(m), 1.0F);
  std::vector<float> integers(product(m, k));
  table.matmul({storage.values.data(), ones.data()}, m, weights.packed(), 0, kernels::int8::n_panels(k), false, {integers.data(), k});
  return integers;
}

/// Compares what every table's `quantize` makes of m rows with the reference's rows.
template <class Quantize>
bool check_rows(const PlainRows& expected, int m, int k, Quantize quantize) {
  const std::vector<float> expected_integers(expected.q.begin(), expected.q.end());
  Guarded expected_scales(expected.scales.size());
  std::copy(expected.scales.begin(), expected.scales.end(), expected_scales.data());
  bool is_same = true;
  for (const Kernels* table : int8_tables()) {
    RowStorage found(m, k);
    quantize(*table, found.rows());
    const bool same_integers = integers_of(*table, found, m, k) == expected_integers;
    if (same_integers && found.scales.same_bits(expected_scales)) continue;
    CAPTURE(table->isa, m, k);
    CHECK(same_integers);
    CHECK(found.scales.same_bits(expected_scales));
    is_same = false;
  }
  return is_same;
}

bool check_quantize(const std::vector<float>& numbers, int m, int k) {
  const Unaligned x(numbers);
  return check_rows(PlainRows(x.data(), m, k), m, k,
                    [&](const Kernels& table, kernels::int8::Rows out) { table.quantize(x.data(), m, k, out); });
}

bool check_norm_quantize(const std::vector<float>& numbers, const float* gain, int m, int k) {
  constexpr float kEps = 1e-6F;
  const Unaligned x(numbers);
  std::vector<float> normed(product(m, k));
  kernels::reference::rms_norm(x.data(), gain, kEps, normed.data(), m, k);
  return check_rows(PlainRows(normed.data(), m, k), m, k,
                    [&](const Kernels& table, kernels::int8::Rows out) { table.norm_quantize(x.data(), gain, kEps, m, k, out); });
}

}  // namespace

TEST_CASE("int8 rows have the reference's bits at every small size", "[int8]") {
  RandomFloats random(1000);
  for (int k = 1; k <= 67; ++k) {
    for (const int m : {1, 3, 9}) {
      const std::vector<float> gain = random.normal(static_cast<std::size_t>(k));
      const Unaligned unaligned_gain(gain);
      CHECK(check_quantize(random.normal(product(m, k)), m, k));
      CHECK(check_quantize(random.mixed(product(m, k)), m, k));
      CHECK(check_norm_quantize(random.normal(product(m, k)), unaligned_gain.data(), m, k));
      CHECK(check_norm_quantize(random.mixed(product(m, k)), unaligned_gain.data(), m, k));
      CHECK(check_norm_quantize(random.normal(product(m, k)), nullptr, m, k));
    }
  }
}

TEST_CASE("int8 rows have the reference's bits at sizes of real models", "[int8]") {
  RandomFloats random(1100);
  for (const int k : {127, 192, 255, 256, 257, 384, 520}) {
    const Unaligned gain(random.normal(static_cast<std::size_t>(k)));
    CHECK(check_quantize(random.normal(product(5, k), 3.0F), 5, k));
    CHECK(check_norm_quantize(random.normal(product(5, k), 3.0F), gain.data(), 5, k));
    CHECK(check_norm_quantize(random.normal(product(5, k), 1e-3F), nullptr, 5, k));
  }
}

TEST_CASE("int8 rows round halves to even", "[int8]") {
  // 127 is the largest: the scale is 1 and every other number is its own quotient.
  std::vector<float> x = {127.0F};
  std::vector<float> expected = {127.0F};
  for (int i = -126; i < 126; ++i) {
    x.push_back(static_cast<float>(i) + 0.5F);
    expected.push_back(static_cast<float>(i % 2 == 0 ? i : i + 1));
  }
  const int k = static_cast<int>(x.size());
  CHECK(check_quantize(x, 1, k));
  for (const Kernels* table : int8_tables()) {
    CAPTURE(table->isa);
    RowStorage found(1, k);
    table->quantize(x.data(), 1, k, found.rows());
    CHECK(integers_of(*table, found, 1, k) == expected);
    CHECK(found.scales.data()[0] == 1.0F);
  }
}

TEST_CASE("int8 rows of zeros, of denormals, of very small and of very large numbers have the reference's bits", "[int8]") {
  RandomFloats random(1200);
  const float largest = std::numeric_limits<float>::max();
  for (const int k : {1, 7, 8, 9, 16, 17, 33, 192}) {
    const std::size_t n = static_cast<std::size_t>(k);
    CHECK(check_quantize(std::vector<float>(n, 0.0F), 1, k));
    CHECK(check_quantize(std::vector<float>(n, -0.0F), 1, k));
    CHECK(check_quantize(std::vector<float>(n, largest), 1, k));
    CHECK(check_quantize(std::vector<float>(n, -largest), 1, k));
    for (const float scale : {1e-44F, 1e-38F, 1e-31F, 1e-30F, 1e-29F, 1e30F, 1e37F}) {
      CHECK(check_quantize(random.normal(n, scale), 1, k));
      CHECK(check_norm_quantize(random.normal(n, scale), nullptr, 1, k));
    }
    // Just on the edge and one step below it, anywhere in the row.
    for (const float edge : {1e-30F, std::nextafter(1e-30F, 0.0F), -1e-30F, std::nextafter(-1e-30F, 0.0F)}) {
      std::vector<float> x(n, 0.0F);
      x[random.below(static_cast<std::uint32_t>(k))] = edge;
      CHECK(check_quantize(x, 1, k));
    }
  }
}

TEST_CASE("an int8 row with NaN or infinity anywhere holds zeros and a scale of NaN, and its neighbours do not notice", "[int8]") {
  RandomFloats random(1300);
  for (const float bad : {kNaN, -kNaN, kInfinity, -kInfinity}) {
    for (const int k : {1, 2, 8, 9, 15, 16, 17, 40}) {
      for (int place = 0; place < k; ++place) {
        std::vector<float> x = random.normal(product(3, k));
        x[product(1, k) + static_cast<std::size_t>(place)] = bad;
        CHECK(check_quantize(x, 3, k));
        CHECK(check_norm_quantize(x, nullptr, 3, k));
        CHECK(std::isnan(PlainRows(x.data(), 3, k).scales[1]));
      }
    }
  }
}

TEST_CASE("int8 rotate has the bits of the reference's norm and rotation", "[int8]") {
  RandomFloats random(1400);
  constexpr float kEps = 1e-6F;
  for (const int head_dim : {2, 4, 6, 8, 14, 16, 18, 20, 30, 32, 34, 48, 64, 72, 128}) {
    for (const int n_heads : {1, 2, 5}) {
      const std::size_t half = static_cast<std::size_t>(head_dim / 2);
      const Unaligned gain(random.normal(2 * half));
      std::vector<float> angles(2 * half);
      kernels::reference::rope_angles(12345, 1e4, head_dim / 2, angles.data(), angles.data() + half);
      const Unaligned cosine(std::vector<float>(angles.begin(), angles.begin() + head_dim / 2));
      const Unaligned sine(std::vector<float>(angles.begin() + head_dim / 2, angles.end()));
      const std::vector<float> heads = random.mixed(product(n_heads, head_dim));
      Guarded expected(heads.size());
      kernels::reference::rms_norm(heads.data(), gain.data(), kEps, expected.data(), n_heads, head_dim);
      kernels::reference::rope_rotate(expected.data(), cosine.data(), sine.data(), n_heads, head_dim / 2);
      for (const Kernels* table : int8_tables()) {
        Guarded found(heads.size());
        std::copy(heads.begin(), heads.end(), found.data());
        table->rotate(found.data(), gain.data(), kEps, cosine.data(), sine.data(), n_heads, head_dim);
        CAPTURE(table->isa, head_dim, n_heads);
        CHECK(found.same_bits(expected));
      }
    }
  }
}

TEST_CASE("int8 cell_update has the reference's bits", "[int8]") {
  RandomFloats random(1500);
  for (int r = 1; r <= 67; ++r) {
    const std::size_t n = static_cast<std::size_t>(r);
    const Unaligned recur(random.normal(n, 3.0F));
    const Unaligned z(random.mixed(n));
    const Unaligned embedding(random.normal(n));
    const Unaligned gate(random.normal(n, 30.0F));
    const std::vector<float> before = random.normal(n);
    Guarded expected(n);
    std::copy(before.begin(), before.end(), expected.data());
    kernels::reference::cell_update(expected.data(), recur.data(), z.data(), embedding.data(), gate.data(), r);
    for (const Kernels* table : int8_tables()) {
      Guarded found(n);
      std::copy(before.begin(), before.end(), found.data());
      table->cell_update(found.data(), recur.data(), z.data(), embedding.data(), gate.data(), r);
      CAPTURE(table->isa, r);
      CHECK(found.same_bits(expected));
    }
  }
}

TEST_CASE("pack puts every weight in its place, zeros behind the last row and column, and 128 times each row's sum", "[int8]") {
  RandomFloats random(1600);
  for (const int n : {1, 2, 15, 16, 17, 31, 32, 33, 50}) {
    for (int k = 1; k <= 21; ++k) {
      const Weights weights(random, n, k);
      const auto packed = weights.packed();
      const int quads = kernels::int8::n_quads(k);
      bool is_right = true;
      for (int row = 0; row < kernels::int8::n_panels(n) * kPanel; ++row) {
        std::int32_t bias = 0;
        for (int col = 0; col < quads * kQuad; ++col) {
          const int expected = row < n && col < k ? weights.plain[product(row, k) + static_cast<std::size_t>(col)] : 0;
          const int place = ((row / kPanel * quads + col / kQuad) * kPanel + row % kPanel) * kQuad + col % kQuad;
          is_right = is_right && packed.values[place] == expected;
          bias += 128 * expected;
        }
        is_right = is_right && packed.biases[row] == bias;
      }
      CAPTURE(n, k);
      CHECK(is_right);
      Aligned<std::int8_t> without_biases(kernels::int8::packed_bytes(n, k));
      kernels::int8::pack(weights.plain.data(), n, k, without_biases.data(), nullptr);
      CHECK(std::memcmp(without_biases.data(), packed.values, without_biases.size()) == 0);
    }
  }
}

TEST_CASE("int8 tables come best first, end with baseline, and are found by name", "[int8]") {
  const auto tables = kernels::int8::supported();
  REQUIRE_FALSE(tables.empty());
  CHECK(tables.back()->isa == std::string("baseline"));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    CHECK(kernels::int8::select(tables[i]->isa) == tables[i]);
    for (std::size_t j = 0; j < i; ++j) CHECK(tables[i]->isa != std::string(tables[j]->isa));
  }
  CHECK(kernels::int8::select("") == tables.front());
  for (const char* name : {"avx", "AVX2", "baseline ", "basel", "avx512", "avx512_vnni_emulated", "none", "reference"}) {
    CHECK(kernels::int8::select(name) == nullptr);
  }
}

TEST_CASE("a processor gets the int8 tables whose instructions it has, and no others", "[int8]") {
  CHECK((kernels::int8::select("avx2") != nullptr) == (__builtin_cpu_supports("avx2") != 0));
  const bool has_avx_vnni = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("avxvnni");
  CHECK((kernels::int8::select("avx_vnni") != nullptr) == has_avx_vnni);
  const bool has_vnni = __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512f");
  CHECK((kernels::int8::select("avx512_vnni") != nullptr) == has_vnni);
}

}  // namespace octet::tests

// Every table of this processor against kernels/reference, bit for bit: all small sizes, sizes around the widths of vectors and
// panels, pointers with the alignment of a float only, and canaries around what is written.
#include "kernels/cpu/kernel_table.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include "kernels/reference/ops.h"
#include "tests/kernels/random_floats.h"

namespace octet::tests {
namespace {

using kernels::KernelTable;
using kernels::select_kernels;
using kernels::supported_kernels;
using kernels::reference::AttentionShape;

std::size_t product(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// Compares one multiplication of every table with the reference; false names the table in a failed CHECK.
bool check_matmul(RandomFloats& random, int m, int n, int k) {
  const Unaligned x(random.mixed(product(m, k)));
  const Unaligned w(random.mixed(product(n, k)));
  Guarded expected(product(m, n));
  kernels::reference::matmul(x.data(), w.data(), expected.data(), m, n, k);
  bool is_same = true;
  for (const KernelTable* table : supported_kernels()) {
    Guarded found(product(m, n));
    table->matmul(x.data(), w.data(), found.data(), m, n, k);
    if (found.same_bits(expected) && found.is_intact()) continue;
    CAPTURE(table->isa, m, n, k);
    CHECK(found.is_intact());
    CHECK(found.same_bits(expected));
    is_same = false;
  }
  return is_same;
}

struct AttentionInput {
  AttentionInput(RandomFloats& random, AttentionShape s, std::int64_t first, std::int64_t last, float scale)
      : shape(s),
        begin(first),
        end(last),
        q(random.normal(product(s.n_heads, s.head_dim), scale)),
        keys(random.normal(static_cast<std::size_t>(last) * product(s.n_kv_heads, s.head_dim))),
        values(random.mixed(static_cast<std::size_t>(last) * product(s.n_kv_heads, s.head_dim))) {}

  std::size_t scratch_size() const { return static_cast<std::size_t>((end - begin + 15) / 16 * 16); }
  std::size_t out_size() const { return product(shape.n_heads, shape.head_dim); }

  AttentionShape shape;
  std::int64_t begin;
  std::int64_t end;
  Unaligned q;
  Unaligned keys;
  Unaligned values;
};

bool check_attention(const AttentionInput& in) {
  Guarded expected(in.out_size());
  Guarded reference_scores(in.scratch_size());
  kernels::reference::attention(in.q.data(), in.keys.data(), in.values.data(), in.begin, in.end, in.shape, reference_scores.data(),
                                expected.data());
  bool is_same = true;
  for (const KernelTable* table : supported_kernels()) {
    Guarded found(in.out_size());
    Guarded scores(in.scratch_size());  // full of NaN: what lies behind the last score must not count
    table->attention(in.q.data(), in.keys.data(), in.values.data(), in.begin, in.end, in.shape, scores.data(), found.data());
    if (found.same_bits(expected) && found.is_intact() && scores.is_intact()) continue;
    CAPTURE(table->isa, in.shape.n_heads, in.shape.n_kv_heads, in.shape.head_dim, in.begin, in.end);
    CHECK(found.is_intact());
    CHECK(scores.is_intact());
    CHECK(found.same_bits(expected));
    is_same = false;
  }
  return is_same;
}

}  // namespace

TEST_CASE("matmul has the reference's bits at every small size") {
  const int m = GENERATE(range(1, 10));
  RandomFloats random(static_cast<std::uint32_t>(m));
  for (int n = 1; n <= 35; ++n) {
    for (int k = 1; k <= 2 * 16 + 1; ++k) {
      if (!check_matmul(random, m, n, k)) FAIL("the first size that differs ends the sweep");
    }
    for (const int k : {47, 48, 49, 64, 192, 257, 512}) {
      if (!check_matmul(random, m, n, k)) FAIL("the first size that differs ends the sweep");
    }
  }
}

TEST_CASE("matmul has the reference's bits at sizes of real models and across panels of rows") {
  RandomFloats random(100);
  struct Size {
    int m, n, k;
  };
  // 4096 floats make a panel: k beyond that, k that divides it and k that does not, n just around a whole number of panels.
  for (const Size& s :
       {Size{1, 256, 192}, Size{8, 512, 192}, Size{33, 192, 512}, Size{64, 192, 160}, Size{3, 9, 4096}, Size{3, 9, 4097}, Size{2, 7, 9001},
        Size{5, 4097, 1}, Size{4, 2049, 2}, Size{3, 1366, 3}, Size{2, 257, 16}, Size{7, 43, 192}, Size{7, 41, 192}, Size{1, 1, 20000}}) {
    CHECK(check_matmul(random, s.m, s.n, s.k));
  }
}

TEST_CASE("a row's bits do not depend on how many rows are multiplied with it") {
  RandomFloats random(200);
  for (const KernelTable* table : supported_kernels()) {
    for (const int k : {1, 15, 16, 17, 33, 192, 257}) {
      for (const int n : {1, 3, 4, 5, 35}) {
        for (int m = 1; m <= 9; ++m) {
          const auto x = random.mixed(product(m, k));
          const auto w = random.mixed(product(n, k));
          std::vector<float> batch(product(m, n));
          table->matmul(x.data(), w.data(), batch.data(), m, n, k);
          std::vector<float> single(batch.size());
          for (int row = 0; row < m; ++row) table->matmul(x.data() + row * k, w.data(), single.data() + row * n, 1, n, k);
          std::vector<float> by_column(batch.size());
          for (int row = 0; row < m; ++row) {
            for (int col = 0; col < n; ++col)
              table->matmul(x.data() + row * k, w.data() + col * k, by_column.data() + row * n + col, 1, 1, k);
          }
          CAPTURE(table->isa, m, n, k);
          CHECK(std::memcmp(batch.data(), single.data(), batch.size() * sizeof(float)) == 0);
          CHECK(std::memcmp(batch.data(), by_column.data(), batch.size() * sizeof(float)) == 0);
        }
      }
    }
  }
}

TEST_CASE("matmul keeps infinities and NaN where they are") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const KernelTable* table : supported_kernels()) {
    std::vector<float> x(3 * 20, 1.0F);
    const std::vector<float> w(5 * 20, 1.0F);
    x[0] = infinity;
    x[20 + 19] = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> y(3 * 5);
    table->matmul(x.data(), w.data(), y.data(), 3, 5, 20);
    for (std::size_t col = 0; col < 5; ++col) {
      CAPTURE(table->isa, col);
      CHECK(y[col] == infinity);
      CHECK(y[5 + col] != y[5 + col]);
      CHECK(y[10 + col] == 20.0F);
    }
  }
}

TEST_CASE("attention has the reference's bits for every head width, grouping and length") {
  const int head_dim = GENERATE(2, 8, 16, 17, 20, 64, 72);
  RandomFloats random(300 + static_cast<std::uint32_t>(head_dim));
  std::vector<std::int64_t> lengths = {79, 80, 81, 127, 128, 129, 255, 256, 257, 1000};
  for (std::int64_t length = 1; length <= 70; ++length) lengths.push_back(length);
  for (const int group : {1, 2, 3}) {
    for (const int n_kv_heads : {1, 2}) {
      for (const std::int64_t length : lengths) {
        for (const std::int64_t begin : {0, 5}) {
          const AttentionInput in(random, {group * n_kv_heads, n_kv_heads, head_dim}, begin, begin + length, 0.3F);
          if (!check_attention(in)) FAIL("the first shape that differs ends the sweep");
        }
      }
    }
  }
}

TEST_CASE("attention has the reference's bits where scores lie far apart or are all the same") {
  RandomFloats random(400);
  for (const float scale : {0.0F, 1e-20F, 5.0F, 50.0F, 1e4F}) {
    for (const std::int64_t length : {1, 7, 8, 9, 16, 33, 300}) {
      CHECK(check_attention(AttentionInput(random, {3, 1, 64}, 0, length, scale)));
      CHECK(check_attention(AttentionInput(random, {4, 2, 17}, 300, 300 + length, scale)));
    }
  }
}

TEST_CASE("a choice's probability has the reference's bits for any mask and length") {
  RandomFloats random(500);
  for (int n = 1; n <= 256; n += n < 40 ? 1 : 24) {
    for (const float scale : {0.1F, 5.0F, 60.0F}) {
      const Unaligned x(random.normal(static_cast<std::size_t>(n), scale));
      const auto chances = random.normal(static_cast<std::size_t>(n), 1.0F);
      const auto allowed = std::make_unique<bool[]>(static_cast<std::size_t>(n));
      for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) allowed[i] = chances[i] > -0.5F;
      for (int chosen = 0; chosen < n; chosen += 1 + n / 7) {
        const float expected = kernels::reference::masked_softmax_at(x.data(), allowed.get(), n, chosen);
        for (const KernelTable* table : supported_kernels()) {
          const float found = table->masked_softmax_at(x.data(), allowed.get(), n, chosen);
          CAPTURE(table->isa, n, chosen, scale, found, expected);
          REQUIRE(std::memcmp(&found, &expected, sizeof(found)) == 0);
        }
      }
    }
  }
}

TEST_CASE("tables come best first, end with baseline, and are found by name") {
  const auto tables = supported_kernels();
  REQUIRE_FALSE(tables.empty());
  CHECK(tables.back()->isa == std::string("baseline"));
  for (std::size_t i = 0; i < tables.size(); ++i) {
    CHECK(select_kernels(tables[i]->isa) == tables[i]);
    CHECK(tables[i]->matmul != nullptr);
    CHECK(tables[i]->attention != nullptr);
    for (std::size_t j = 0; j < i; ++j) CHECK(tables[i]->isa != std::string(tables[j]->isa));
  }
  CHECK(select_kernels("") == tables.front());
  for (const char* name : {"avx", "AVX2", "baseline ", "basel", "sse", "none", "reference"}) CHECK(select_kernels(name) == nullptr);
}

TEST_CASE("a processor with AVX2 gets the AVX2 table, and another does not") {
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  CHECK((select_kernels("avx2") != nullptr) == has_avx2);
}

}  // namespace octet::tests

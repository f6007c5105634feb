// append_kv and attention of the int8 tables against kernels/reference, bit for bit. Blocks start full of poison: positions that
// no query sees must never count, whether nobody wrote them or a ring holds an older position there.
#include <catch2/catch.hpp>
#include <limits>

#include "tests/kernels/int8_operands.h"

namespace octet::tests {
namespace {

using kernels::int8::Kernels;
using kernels::int8::kKvBlock;
using kernels::int8::kPanel;
using kernels::int8::KvBlock;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// The keys or values of a sequence as the reference reads them: [position, head_dim].
struct Sequence {
  Sequence(const std::vector<float>& numbers, int length, int head_dim) : x(numbers), plain(x.data(), length, head_dim) {}

  Unaligned x;
  PlainRows plain;
};

/// A ring of blocks, with the poison of memory that held something else before.
class Ring {
 public:
  Ring(int n_blocks, int head_dim)
      : head_dim_(head_dim),
        key_bytes_(kernels::int8::packed_bytes(kKvBlock, head_dim)),
        value_bytes_(kernels::int8::packed_bytes(head_dim, kKvBlock)),
        keys_(static_cast<std::size_t>(n_blocks) * key_bytes_),
        values_(static_cast<std::size_t>(n_blocks) * value_bytes_),
        scales_(product(n_blocks, 2 * kKvBlock)),
        biases_(product(n_blocks, kKvBlock)) {
    RandomFloats random(1);
    for (std::size_t i = 0; i < keys_.size(); ++i) keys_.data()[i] = static_cast<std::int8_t>(random.below(256));
    for (std::size_t i = 0; i < values_.size(); ++i) values_.data()[i] = static_cast<std::int8_t>(random.below(256));
    for (std::size_t i = 0; i < scales_.size(); ++i) scales_.data()[i] = random.below(2) == 0 ? kNaN : 1e30F;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n_blocks); ++i) {
      blocks.push_back({keys_.data() + i * key_bytes_, values_.data() + i * value_bytes_, scales_.data() + i * 2 * kKvBlock,
                        scales_.data() + (2 * i + 1) * kKvBlock, biases_.data() + i * kKvBlock});
    }
  }

  void append(const Kernels& table, const Sequence& keys, const Sequence& values, int length) {
    for (int t = 0; t < length; ++t) {
      const KvBlock& block = blocks[static_cast<std::size_t>(t / kKvBlock) % blocks.size()];
      table.append_kv(keys.x.data() + t * head_dim_, values.x.data() + t * head_dim_, head_dim_, block, t % kKvBlock);
    }
  }

  std::vector<KvBlock> blocks;

 private:
  int head_dim_;
  std::size_t key_bytes_;
  std::size_t value_bytes_;
  Aligned<std::int8_t> keys_;
  Aligned<std::int8_t> values_;
  Aligned<float> scales_;
  Aligned<std::int32_t> biases_;
};

/// n_queries queries, the last at the end of the sequence, each of which sees at most `window` positions before and with itself.
struct Shape {
  int head_dim;
  int n_queries;
  int length;
  int window;
  int n_blocks;
};

int blocks_of(int length) { return (length + kKvBlock - 1) / kKvBlock; }

struct AttentionInput {
  AttentionInput(const Shape& s, const std::vector<float>& queries, const std::vector<float>& key_numbers,
                 const std::vector<float>& value_numbers)
      : shape(s),
        q(queries, s.n_queries, s.head_dim),
        keys(key_numbers, s.length, s.head_dim),
        values(value_numbers, s.length, s.head_dim) {
    for (int i = 0; i < s.n_queries; ++i) {
      end.push_back(std::max(1, s.length - s.n_queries + 1 + i));
      begin.push_back(std::max<std::int64_t>(0, end.back() - s.window));
    }
  }
  AttentionInput(RandomFloats& random, const Shape& s, float query_scale = 1.0F)
      : AttentionInput(s, random.normal(product(s.n_queries, s.head_dim), query_scale), random.normal(product(s.length, s.head_dim)),
                       random.normal(product(s.length, s.head_dim))) {}

  float scale() const { return 1.0F / std::sqrt(static_cast<float>(shape.head_dim)); }

  Shape shape;
  Sequence q;
  Sequence keys;
  Sequence values;
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> end;
};

/// Outputs lie apart, the last query's first.
struct Outputs {
  Outputs(int n_queries, int head_dim) : numbers(product(n_queries, head_dim + 3)) {
    for (int i = n_queries - 1; i >= 0; --i) rows.push_back(numbers.data() + i * (head_dim + 3));
  }
  Outputs(const Outputs&) = delete;
  Outputs& operator=(const Outputs&) = delete;

  Guarded numbers;
  std::vector<float*> rows;
};

void reference_attention(const AttentionInput& in, Outputs& out) {
  const int head_dim = in.shape.head_dim;
  for (std::size_t i = 0; i < out.rows.size(); ++i) {
    kernels::reference::attention_int8(&in.q.plain.q[i * static_cast<std::size_t>(head_dim)], in.q.plain.scales[i], in.scale(),
                                       in.keys.plain.q.data(), in.keys.plain.scales.data(), in.values.plain.q.data(),
                                       in.values.plain.scales.data(), in.begin[i], in.end[i], head_dim, out.rows[i]);
  }
}

void attend(const Kernels& table, const AttentionInput& in, const Ring& ring, Outputs& out) {
  const Shape& s = in.shape;
  RowStorage queries(s.n_queries, s.head_dim);
  table.quantize(in.q.x.data(), s.n_queries, s.head_dim, queries.rows());
  table.attention({queries.rows(), in.begin.data(), in.end.data(), s.n_queries, s.head_dim, in.scale(), ring.blocks.data(), s.n_blocks,
                   out.rows.data()});
}

/// Compares every table with the reference; false names the table in a failed CHECK.
bool check_attention(const AttentionInput& in) {
  const Shape& s = in.shape;
  Outputs expected(s.n_queries, s.head_dim);
  reference_attention(in, expected);
  bool is_same = true;
  for (const Kernels* table : int8_tables()) {
    Ring ring(s.n_blocks, s.head_dim);
    ring.append(*table, in.keys, in.values, s.length);
    Outputs found(s.n_queries, s.head_dim);
    attend(*table, in, ring, found);
    if (found.numbers.same_bits(expected.numbers)) continue;
    CAPTURE(table->isa, s.head_dim, s.n_queries, s.length, s.window, s.n_blocks);
    CHECK(found.numbers.same_bits(expected.numbers));
    is_same = false;
  }
  return is_same;
}

/// As check_attention for inputs with NaN: the queries with is_bad(index) must give nothing but NaN and the others none.
template <class IsBad>
void check_nan(const AttentionInput& in, IsBad is_bad) {
  const Shape& s = in.shape;
  Outputs expected(s.n_queries, s.head_dim);
  reference_attention(in, expected);
  for (const Kernels* table : int8_tables()) {
    Ring ring(s.n_blocks, s.head_dim);
    ring.append(*table, in.keys, in.values, s.length);
    Outputs found(s.n_queries, s.head_dim);
    attend(*table, in, ring, found);
    bool is_same = true;
    for (std::size_t i = 0; i < found.rows.size(); ++i) {
      for (int j = 0; j < s.head_dim; ++j) {
        is_same = is_same && std::isnan(found.rows[i][j]) == is_bad(i) && is_same_number(found.rows[i][j], expected.rows[i][j]);
      }
    }
    CAPTURE(table->isa);
    CHECK(is_same);
    CHECK(found.numbers.is_intact());
  }
}

}  // namespace

TEST_CASE("append_kv writes the bytes, scales and biases of the packed forms, and nothing of other positions", "[int8]") {
  RandomFloats random(3000);
  for (const int head_dim : {2, 8, 16, 20, 64, 72}) {
    const int quads = kernels::int8::n_quads(head_dim);
    for (const Kernels* table : int8_tables()) {
      const Ring untouched(1, head_dim);
      Ring ring(1, head_dim);
      for (const int slot : {0, 1, 3, 4, 15, 16, 130, 255}) {
        const Sequence key(random.normal(static_cast<std::size_t>(head_dim)), 1, head_dim);
        const Sequence value(random.normal(static_cast<std::size_t>(head_dim)), 1, head_dim);
        const KvBlock& block = ring.blocks.front();
        table->append_kv(key.x.data(), value.x.data(), head_dim, block, slot);
        bool is_right = block.key_scales[slot] == key.plain.scales[0] && block.value_scales[slot] == value.plain.scales[0];
        std::int32_t bias = 0;
        for (int i = 0; i < head_dim; ++i) {
          const std::size_t at = static_cast<std::size_t>(i);
          is_right = is_right && block.keys[((slot / kPanel * quads + i / 4) * kPanel + slot % kPanel) * 4 + i % 4] == key.plain.q[at];
          is_right = is_right &&
                     block.values[((i / kPanel * (kKvBlock / 4) + slot / 4) * kPanel + i % kPanel) * 4 + slot % 4] == value.plain.q[at];
          bias += 128 * key.plain.q[at];
        }
        CAPTURE(table->isa, head_dim, slot);
        CHECK(is_right);
        CHECK(block.key_biases[slot] == bias);
      }
      // Position 2 shares its lines with those above.
      const KvBlock& before = untouched.blocks.front();
      const KvBlock& after = ring.blocks.front();
      bool is_untouched = std::memcmp(&before.key_scales[2], &after.key_scales[2], sizeof(float)) == 0 &&
                          std::memcmp(&before.value_scales[2], &after.value_scales[2], sizeof(float)) == 0 &&
                          before.key_biases[2] == after.key_biases[2];
      for (int i = 0; i < head_dim; ++i) {
        is_untouched = is_untouched && before.keys[(i / 4 * kPanel + 2) * 4 + i % 4] == after.keys[(i / 4 * kPanel + 2) * 4 + i % 4];
        const int value_at = (i / kPanel * (kKvBlock / 4) * kPanel + i % kPanel) * 4 + 2;
        is_untouched = is_untouched && before.values[value_at] == after.values[value_at];
      }
      CHECK(is_untouched);
    }
  }
}

TEST_CASE("int8 attention has the reference's bits for every head width, length and number of queries", "[int8]") {
  const int head_dim = GENERATE(2, 8, 16, 20, 64, 72);
  RandomFloats random(3100 + static_cast<std::uint32_t>(head_dim));
  for (const int length : {1, 2, 7, 15, 16, 17, 31, 32, 33, 50, 255, 256, 257, 272, 300, 513, 1000}) {
    for (int n_queries = 1; n_queries <= std::min(17, length); ++n_queries) {
      if (length > 64 && n_queries > 5 && n_queries % 4 != 1) continue;  // tiles have 1, 4 or 8 rows
      for (const int window : {length, 100}) {
        const AttentionInput in(random, {head_dim, n_queries, length, window, blocks_of(length)});
        if (!check_attention(in)) FAIL("the first shape that differs ends the sweep");
      }
    }
  }
}

TEST_CASE("int8 attention sees windows of any width at any place of a block", "[int8]") {
  RandomFloats random(3200);
  for (int window = 1; window <= 40; ++window) {
    for (const int length : {254, 256, 258, 271, 273, 290}) {
      for (const int n_queries : {1, 3, 6}) {
        if (!check_attention(AttentionInput(random, {16, n_queries, length, window, 2})))
          FAIL("the first shape that differs ends the sweep");
      }
    }
  }
}

TEST_CASE("int8 attention takes queries with unlike ranges together", "[int8]") {
  RandomFloats random(3300);
  for (int round = 0; round < 40; ++round) {
    const int n_queries = 1 + static_cast<int>(random.below(17));
    AttentionInput in(random, {20, n_queries, 800, 800, 4});
    for (std::size_t i = 0; i < in.begin.size(); ++i) {
      in.begin[i] = random.below(799);
      in.end[i] = in.begin[i] + 1 + random.below(static_cast<std::uint32_t>(800 - in.begin[i]));
    }
    CHECK(check_attention(in));
  }
}

TEST_CASE("int8 attention reads a ring that holds the last blocks of a longer sequence", "[int8]") {
  RandomFloats random(3400);
  for (const int length : {513, 600, 767, 768, 769, 1000, 1024, 1025}) {
    for (const int n_queries : {1, 5, 9}) {
      CHECK(check_attention(AttentionInput(random, {16, n_queries, length, 240, 2})));
      CHECK(check_attention(AttentionInput(random, {64, n_queries, length, 500, 3})));
    }
  }
}

TEST_CASE("int8 attention has the reference's bits where scores lie far apart or are all the same", "[int8]") {
  RandomFloats random(3500);
  for (const float query_scale : {0.0F, 1e-20F, 1e-2F, 5.0F, 50.0F, 1e4F}) {
    for (const int length : {1, 9, 16, 33, 257, 700}) {
      CHECK(check_attention(AttentionInput(random, {16, 1, length, length, blocks_of(length)}, query_scale)));
      CHECK(check_attention(AttentionInput(random, {72, 9, std::max(9, length), length, blocks_of(length)}, query_scale)));
    }
  }
}

TEST_CASE("int8 attention has the reference's bits where values are zeros or very small", "[int8]") {
  RandomFloats random(3600);
  constexpr int kLength = 600;
  constexpr int kWidth = 16;
  // All zeros; a block of zeros between two others; all near the smallest; zeros where the score is high, so that what is left
  // has weights whose quotient would be infinite, or that are just too small to count.
  enum Kind { kZeros, kZeroBlock, kTiny, kZerosOnTop, kTooSmallBelow };
  for (const Kind kind : {kZeros, kZeroBlock, kTiny, kZerosOnTop, kTooSmallBelow}) {
    for (const int n_queries : {1, 6}) {
      const Shape shape{kWidth, n_queries, kLength, kLength, 3};
      const bool has_top = kind == kZerosOnTop || kind == kTooSmallBelow;
      const std::vector<float> queries(product(n_queries, kWidth), has_top ? 10.0F : 0.5F);
      std::vector<float> keys = random.normal(product(kLength, kWidth));
      std::vector<float> values = random.normal(product(kLength, kWidth), kind == kTiny ? 1e-29F : kind == kTooSmallBelow ? 1.2e6F : 1.0F);
      for (int t = 0; t < kLength; ++t) {
        const bool is_top = has_top && t % 5 == 0;
        if (has_top) std::fill_n(keys.begin() + t * kWidth, kWidth, is_top ? 4.0F : -1.0F);
        const bool is_zero = kind == kZeros || (kind == kZeroBlock && t / kKvBlock == 1) || is_top;
        if (is_zero) std::fill_n(values.begin() + t * kWidth, kWidth, 0.0F);
      }
      CAPTURE(kind);
      CHECK(check_attention(AttentionInput(shape, queries, keys, values)));
    }
  }
}

TEST_CASE("int8 attention gives NaN for a query that holds no number, and for no other", "[int8]") {
  RandomFloats random(3700);
  for (std::size_t bad = 0; bad < 9; ++bad) {
    const Shape shape{20, 9, 300, 280, 2};
    std::vector<float> queries = random.normal(product(9, 20));
    queries[bad * 20 + random.below(20)] = kNaN;
    const AttentionInput in(shape, queries, random.normal(product(300, 20)), random.normal(product(300, 20)));
    check_nan(in, [bad](std::size_t query) { return query == bad; });
  }
}

TEST_CASE("int8 attention gives NaN where a query sees a key that holds no number, and nowhere else", "[int8]") {
  RandomFloats random(3800);
  for (const int bad : {0, 20, 100, 255, 256, 280, 295, 299}) {
    const Shape shape{20, 9, 300, 270, 2};
    std::vector<float> keys = random.normal(product(300, 20));
    keys[product(bad, 20) + random.below(20)] = kNaN;
    const AttentionInput in(shape, random.normal(product(9, 20)), keys, random.normal(product(300, 20)));
    check_nan(in, [&](std::size_t query) { return in.begin[query] <= bad && bad < in.end[query]; });
  }
}

TEST_CASE("int8 attention takes a value that holds no number for zeros, as the reference does", "[int8]") {
  RandomFloats random(3900);
  for (const int bad : {35, 100, 255, 256, 290, 299}) {
    const Shape shape{20, 9, 300, 270, 2};
    std::vector<float> values = random.normal(product(300, 20));
    values[product(bad, 20) + random.below(20)] = kNaN;
    check_nan(AttentionInput(shape, random.normal(product(9, 20)), random.normal(product(300, 20)), values),
              [](std::size_t) { return false; });
  }
}

}  // namespace octet::tests

// The CUDA kernels that compute a chunk of a prompt. What they share with those of a step is tested there; the runner's tests put all of
// them together.
#include <vector>

#include "kernels/reference/math.h"
#include "tests/kernels/cuda/operands.h"
#include "tests/kernels/cuda/random_embedding.h"

namespace octet::tests {
namespace {

constexpr float kEps = 1e-5F;

/// 1 to 64 rows of one sequence.
cuda::Step random_chunk(RandomFloats& random) {
  cuda::Step step{};
  step.n_rows = 1 + static_cast<int>(random.below(cuda::kChunkRows));
  step.first_row = static_cast<int>(random.below(3));
  const int pos = static_cast<int>(random.below(500));
  for (int row = 0; row < step.n_rows; ++row) {
    step.rows[row].pos = pos + row;
    for (auto& value : step.rows[row].tail) value = static_cast<std::uint16_t>(random.below(257));
    step.rows[row].byte = static_cast<std::uint8_t>(random.below(256));
    step.rows[row].tail[cuda::kMaxTail - 1] = static_cast<std::uint16_t>(step.rows[row].byte + 1);
  }
  return step;
}
constexpr int kBufferRows = cuda::kChunkRows + 3;

/// Quantised rows as the kernels write them.
struct ChunkStorage {
  explicit ChunkStorage(int k) : words(cuda::chunk_words(k)), scales(cuda::kChunkRows) {}
  cuda::ChunkRows rows() { return {words.data(), scales.data()}; }
  std::int8_t* row(int i) { return reinterpret_cast<std::int8_t*>(words.data()) + static_cast<std::size_t>(i) * words.size() / 16; }

  Aligned<unsigned> words;
  Aligned<float> scales;
};

void set_row(ChunkStorage& storage, int i, const QuantizedRow& row) {
  std::memset(storage.row(i), 0, storage.words.size() / 16);
  std::copy(row.q.begin(), row.q.end(), storage.row(i));
  storage.scales.data()[i] = row.scale;
}

void require_same(ChunkStorage& found, ChunkStorage& expected) {
  REQUIRE(std::memcmp(found.words.data(), expected.words.data(), 4 * found.words.size()) == 0);
  for (int i = 0; i < cuda::kChunkRows; ++i) REQUIRE(is_same_number(found.scales.data()[i], expected.scales.data()[i]));
}

int size_of(RandomFloats& random, std::uint32_t shape) {
  return 1 + static_cast<int>(random.below(shape < 4 ? 20 : 40 * shape % 300 + 40));
}

}  // namespace

TEST_CASE("cuda: a chunk's rows are quantised, normed or not") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const int k = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const auto x = device_floats(random_rows(random, kBufferRows, k));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(k)));
      const bool has_norm = random.below(2) == 0;
      ChunkStorage found(k);
      ChunkStorage expected(k);
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_quantize({&step, x->data(), has_norm ? gain->data() : nullptr, kEps, k, found.rows()}, stream);
      });
      for (int row = 0; row < cuda::kChunkRows; ++row) {
        if (row >= step.n_rows) {
          set_row(expected, row, {{}, 0});
        } else if (has_norm) {
          set_row(expected, row, norm_quantized(x->data() + (step.first_row + row) * k, gain->data(), kEps, k));
        } else {
          set_row(expected, row, quantized(x->data() + row * k, k));
        }
      }
      require_same(found, expected);
    }
  }
}

TEST_CASE("cuda: a chunk's products, stored, added and gated") {
  using Kind = cuda::ChunkProductArgs::Kind;
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(20 + shape);
    const int columns = size_of(sizes, shape);
    const int k = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      const Kind kind = std::array{Kind::kStore, Kind::kAdd, Kind::kSwiglu}[seed % 3];
      const int n = kind == Kind::kSwiglu ? 2 * cuda::n_tiles(columns) * cuda::kTile : columns;
      CAPTURE(shape, columns, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const Fragments w(random, n, k);
      ChunkStorage x(k);
      std::vector<QuantizedRow> rows;
      for (int row = 0; row < cuda::kChunkRows; ++row) {
        rows.push_back(row < step.n_rows ? quantized(random.normal(static_cast<std::size_t>(k)).data(), k) : QuantizedRow{{}, 0});
        set_row(x, row, rows.back());
      }
      const auto from = device_floats(random.normal(product(kBufferRows, columns)));
      Aligned<float> to(product(kBufferRows, columns));
      const Aligned<float> untouched(to.size());
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_chunk_product({kind, &step, x.rows(), w.matrix(), from->data(), to.data(), columns}, stream);
      });
      const int first = kind == Kind::kAdd ? step.first_row : 0;
      for (int i = 0; i < kBufferRows * columns; ++i) {
        const int row = i / columns - first;
        const int column = i % columns;
        float expected = untouched.data()[i];
        if (row >= 0 && row < step.n_rows) {
          const auto& q = rows[static_cast<std::size_t>(row)];
          const int gate = column / 16 * 32 + column % 16;
          expected = kind == Kind::kStore ? w.times(column, q.q.data(), q.scale)
                     : kind == Kind::kAdd ? from->data()[i] + w.times(column, q.q.data(), q.scale)
                                          : reference::silu(w.times(gate, q.q.data(), q.scale)) * w.times(gate + 16, q.q.data(), q.scale);
        }
        if (!is_same_number(to.data()[i], expected)) {
          CAPTURE(row, column);
          REQUIRE(to.data()[i] == expected);
        }
      }
    }
  }
}

TEST_CASE("cuda: a chunk's bytes are embedded, and their n-grams quantised") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(300 + shape);
    const auto e = RandomEmbedding::draw(sizes, static_cast<int>(shape % 4), size_of(sizes, shape));
    const int width = static_cast<int>(e.orders.size()) * e.ngram_dim;
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, e.d_model, e.orders.size(), e.ngram_dim, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const RandomEmbedding embedding(random, e);
      Aligned<float> hidden(product(kBufferRows, e.d_model));
      Aligned<float> expected_hidden(hidden.size());
      ChunkStorage found(width);
      ChunkStorage expected(width);
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_embed_chunk({&step, embedding.device(), hidden.data(), found.rows()}, stream);
      });
      for (int row = 0; row < cuda::kChunkRows; ++row) {
        const auto grams = row < step.n_rows ? embedding.grams_of(step.rows[row].tail) : std::vector<float>{};
        set_row(expected, row, grams.empty() ? QuantizedRow{{}, 0} : quantized(grams.data(), width));
        for (int i = 0; row < step.n_rows && i < e.d_model; ++i) {
          expected_hidden.data()[(step.first_row + row) * e.d_model + i] = embedding.own_of(step.rows[row].byte, i);
        }
      }
      require_same(found, expected);
      REQUIRE(std::memcmp(hidden.data(), expected_hidden.data(), 4 * hidden.size()) == 0);
    }
  }
}

}  // namespace octet::tests

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

/// Rows as the kernels write them: step by step, each row's words of a step together; or row by row, of a long chunk.
struct ChunkStorage {
  ChunkStorage(int columns, Format of, bool by_row = false)
      : k(columns),
        format(of),
        is_by_row(by_row),
        n_rows(by_row ? kLong : cuda::kChunkRows),
        words(cuda::chunk_words(n_rows, columns, of)),
        scales(static_cast<std::size_t>(n_rows)) {}
  cuda::ChunkRows rows() {
    return is_by_row ? cuda::rows_by_row(format, words.data(), scales.data(), n_rows, k)
                     : cuda::rows_by_step(format, words.data(), scales.data());
  }
  void set_row(int i, const FormattedRow& row) {
    const auto bytes = row.words(k, format);
    const auto at = static_cast<std::size_t>(i);
    for (std::size_t step = 0; step * 32 < bytes.size(); ++step) {
      const std::size_t to = is_by_row ? at * bytes.size() / 4 + step * 8 : (step * 64 + at) * 8;
      std::memcpy(words.data() + to, &bytes[step * 32], 32);
    }
    if (format == Format::kInt8) scales.data()[i] = row.scale;
  }

  static constexpr int kLong = 80;
  int k;
  Format format;
  bool is_by_row;
  int n_rows;
  Aligned<unsigned> words;
  Aligned<float> scales;
};

void require_same(ChunkStorage& found, ChunkStorage& expected) {
  REQUIRE(std::memcmp(found.words.data(), expected.words.data(), 4 * found.words.size()) == 0);
  for (int i = 0; i < found.n_rows; ++i) REQUIRE(is_same_number(found.scales.data()[i], expected.scales.data()[i]));
}

/// The rows of a step, [first, first + n) of a chunk.
cuda::Step part_of(const cuda::Step& chunk, int first, int n) {
  cuda::Step step = chunk;
  step.first_row += first;
  step.n_rows = n;
  std::copy(chunk.rows + first, chunk.rows + first + n, step.rows);
  return step;
}

}  // namespace

TEST_CASE("cuda: a chunk's rows are quantised or rounded, normed or not") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const int k = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const auto x = device_floats(random_rows(random, kBufferRows, k));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(k)));
      const bool has_norm = random.below(2) == 0;
      const bool by_row = random.below(2) == 0;
      ChunkStorage found(k, format, by_row);
      ChunkStorage expected(k, format, by_row);
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_quantize({&step, x->data(), has_norm ? gain->data() : nullptr, kEps, k, found.rows()}, stream);
      });
      for (int row = 0; row < found.n_rows; ++row) {
        if (row >= step.n_rows) {
          expected.set_row(row, {});
        } else if (has_norm) {
          expected.set_row(row, norm_formatted(x->data() + (step.first_row + row) * k, gain->data(), kEps, k, format));
        } else {
          expected.set_row(row, formatted(x->data() + row * k, k, format));
        }
      }
      require_same(found, expected);
    }
  }
}

TEST_CASE("cuda: a chunk's products, stored, added and gated") {
  const Format format = any_format();
  using Kind = cuda::ChunkProductArgs::Kind;
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(20 + shape);
    const int columns = shape + 1 == kShapes ? 20 : size_of(sizes, shape);
    const int k = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      const Kind kind = std::array{Kind::kStore, Kind::kAdd, Kind::kSwiglu}[seed % 3];
      const int n = kind == Kind::kSwiglu ? 2 * cuda::n_tiles(columns) * cuda::kTile : columns;
      CAPTURE(shape, columns, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const Fragments w(random, n, k, format);
      ChunkStorage x(k, format);
      std::vector<FormattedRow> rows;
      for (int row = 0; row < cuda::kChunkRows; ++row) {
        rows.push_back(row < step.n_rows ? formatted(random.normal(static_cast<std::size_t>(k)).data(), k, format) : FormattedRow{});
        x.set_row(row, rows.back());
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
          expected = kind == Kind::kStore ? w.times(column, q)
                     : kind == Kind::kAdd ? from->data()[i] + w.times(column, q)
                                          : reference::silu(w.times(gate, q)) * w.times(gate + 16, q);
        }
        if (!is_same_number(to.data()[i], expected)) {
          CAPTURE(row, column);
          REQUIRE(to.data()[i] == expected);
        }
      }
    }
  }
}

TEST_CASE("cuda: a chunk's bytes are embedded, and their n-grams looked up") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(300 + shape);
    const auto e = RandomEmbedding::draw(sizes, static_cast<int>(shape % 4), size_of(sizes, shape));
    const int width = static_cast<int>(e.orders.size()) * e.ngram_dim;
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, e.d_model, e.orders.size(), e.ngram_dim, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_chunk(random);
      const RandomEmbedding embedding(random, e, format);
      Aligned<float> hidden(product(kBufferRows, e.d_model));
      Aligned<float> expected_hidden(hidden.size());
      const bool by_row = random.below(2) == 0;
      ChunkStorage found(width, format, by_row);
      ChunkStorage expected(width, format, by_row);
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_embed_chunk({&step, embedding.device(), hidden.data(), found.rows()}, stream);
      });
      for (int row = 0; row < found.n_rows; ++row) {
        const auto grams = row < step.n_rows ? embedding.grams_of(step.rows[row].tail) : std::vector<float>{};
        expected.set_row(row, grams.empty() ? FormattedRow{} : formatted(grams.data(), width, format));
        for (int i = 0; row < step.n_rows && i < e.d_model; ++i) {
          expected_hidden.data()[(step.first_row + row) * e.d_model + i] = embedding.own_of(step.rows[row].byte, i);
        }
      }
      require_same(found, expected);
      REQUIRE(std::memcmp(hidden.data(), expected_hidden.data(), 4 * hidden.size()) == 0);
    }
  }
}

TEST_CASE("cuda: a row has the same bits in a chunk as in a step, whatever is computed beside it") {
  const Format format = any_format();
  using Kind = cuda::ChunkProductArgs::Kind;
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(400 + shape);
    const int d_ff = shape + 1 == kShapes ? 20 : size_of(sizes, shape);
    const int d_model = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds / 5; ++seed) {
      CAPTURE(shape, d_ff, d_model, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step chunk = random_chunk(random);
      const Fragments gate_up(random, 2 * cuda::n_tiles(d_ff) * cuda::kTile, d_model, format);
      const Fragments down(random, 40, d_ff, format);
      const auto hidden = device_floats(random_rows(random, kBufferRows, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      const auto from = device_floats(random.normal(product(kBufferRows, 40)));
      ChunkStorage wide(d_model, format);
      ChunkStorage narrow(d_ff, format);
      Aligned<float> active(product(cuda::kChunkRows, d_ff));
      Aligned<float> added(product(kBufferRows, 40));
      run_kernel(seed, [&](cuda::Stream stream) {
        cuda::launch_quantize({&chunk, hidden->data(), gain->data(), kEps, d_model, wide.rows()}, stream);
        cuda::launch_chunk_product({Kind::kSwiglu, &chunk, wide.rows(), gate_up.matrix(), nullptr, active.data(), d_ff}, stream);
        cuda::launch_quantize({&chunk, active.data(), nullptr, kEps, d_ff, narrow.rows()}, stream);
        return cuda::launch_chunk_product({Kind::kAdd, &chunk, narrow.rows(), down.matrix(), from->data(), added.data(), 0}, stream);
      });
      const int n = 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(std::min(chunk.n_rows, cuda::kMaxRows))));
      const int first = static_cast<int>(random.below(static_cast<std::uint32_t>(chunk.n_rows - n + 1)));
      const cuda::Step step = part_of(chunk, first, n);
      Aligned<float> step_active(product(cuda::kMaxRows, d_ff));
      Aligned<float> step_added(added.size());
      run_kernel(seed + 1, [&](cuda::Stream stream) {
        cuda::launch_gate_up({&step, hidden->data(), gain->data(), kEps, gate_up.matrix(), d_ff, step_active.data()}, stream);
        return cuda::launch_add_product({&step, step_active.data(), down.matrix(), from->data(), step_added.data()}, stream);
      });
      for (int i = 0; i < n * d_ff; ++i) REQUIRE(is_same_number(step_active.data()[i], active.data()[first * d_ff + i]));
      const int at = step.first_row * 40;
      for (int i = at; i < at + n * 40; ++i) REQUIRE(is_same_number(step_added.data()[i], added.data()[i]));
    }
  }
}

}  // namespace octet::tests

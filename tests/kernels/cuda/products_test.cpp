// The CUDA kernels that are products: embedding, the feed-forward part, the primary head. Bit for bit the reference's int8 operations.
#include <vector>

#include "kernels/reference/math.h"
#include "tests/kernels/cuda/operands.h"
#include "tests/kernels/cuda/random_embedding.h"

namespace octet::tests {
namespace {

constexpr float kEps = 1e-5F;

/// Sizes of a shape; the first are odd ones.
int size_of(RandomFloats& random, std::uint32_t shape) {
  return 1 + static_cast<int>(random.below(shape < 4 ? 20 : 40 * shape % 300 + 40));
}

/// What is in out's rows of the step is expected(row, column), everything else untouched.
template <class F>
void require_rows(const Aligned<float>& out, const cuda::Step& step, int n, F expected) {
  const Aligned<float> untouched(out.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int row = static_cast<int>(i) / n - step.first_row;
    const bool is_written = row >= 0 && row < step.n_rows;
    const float wanted = is_written ? expected(row, static_cast<int>(i) % n) : untouched.data()[i];
    if (!is_same_number(out.data()[i], wanted)) {
      CAPTURE(row, static_cast<int>(i) % n, out.data()[i], wanted);
      REQUIRE(is_same_number(out.data()[i], wanted));
    }
  }
}

constexpr int kBufferRows = cuda::kMaxRows + 3;

}  // namespace

TEST_CASE("cuda: a product is added to the rows of the step, and to no others") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const int n = size_of(sizes, shape);
    const int k = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, n, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      const Fragments w(random, n, k);
      const auto x = device_floats(random_rows(random, step.n_rows, k));
      const auto from = device_floats(random.normal(product(kBufferRows, n)));
      Aligned<float> to(product(kBufferRows, n));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_add_product({&step, x->data(), w.matrix(), from->data(), to.data()}, stream);
      });
      std::vector<QuantizedRow> rows;
      for (int row = 0; row < step.n_rows; ++row) rows.push_back(quantized(x->data() + row * k, k));
      require_rows(to, step, n, [&](int row, int i) {
        const auto& q = rows[static_cast<std::size_t>(row)];
        return from->data()[(row + step.first_row) * n + i] + w.times(i, q.q.data(), q.scale);
      });
    }
  }
}

TEST_CASE("cuda: gate and up") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(100 + shape);
    const int d_ff = size_of(sizes, shape);
    const int d_model = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, d_ff, d_model, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step = random_step(random, 1000);
      const int n_pairs = cuda::n_tiles(d_ff);
      const Fragments w(random, 2 * n_pairs * cuda::kTile, d_model);
      const auto hidden = device_floats(random_rows(random, kBufferRows, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      Aligned<float> active(product(cuda::kMaxRows, d_ff));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_gate_up({&step, hidden->data(), gain->data(), kEps, w.matrix(), d_ff, active.data()}, stream);
      });
      std::vector<QuantizedRow> rows;
      for (int row = 0; row < step.n_rows; ++row) {
        rows.push_back(norm_quantized(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model));
      }
      step.first_row = 0;
      require_rows(active, step, d_ff, [&](int row, int i) {
        const auto& q = rows[static_cast<std::size_t>(row)];
        const int gate = i / 16 * 32 + i % 16;
        return reference::silu(w.times(gate, q.q.data(), q.scale)) * w.times(gate + 16, q.q.data(), q.scale);
      });
    }
  }
}

TEST_CASE("cuda: the primary head") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(200 + shape);
    const int d_model = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, d_model, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      const Fragments w(random, 256, d_model);
      const auto hidden = device_floats(random_rows(random, kBufferRows, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      Aligned<float> logits(product(kBufferRows, 256));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_head({&step, hidden->data(), gain->data(), kEps, w.matrix(), logits.data()}, stream);
      });
      std::vector<QuantizedRow> rows;
      for (int row = 0; row < step.n_rows; ++row) {
        rows.push_back(norm_quantized(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model));
      }
      require_rows(logits, step, 256, [&](int row, int i) {
        const auto& q = rows[static_cast<std::size_t>(row)];
        return w.times(i, q.q.data(), q.scale);
      });
    }
  }
}

TEST_CASE("cuda: bytes and their n-grams are embedded") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(300 + shape);
    const RandomEmbedding::Shape e = RandomEmbedding::draw(sizes, static_cast<int>(shape % 4), size_of(sizes, shape));
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, e.d_model, e.orders.size(), e.ngram_dim, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      const RandomEmbedding embedding(random, e);
      Aligned<float> hidden(product(kBufferRows, e.d_model));
      run_kernel(seed, [&](cuda::Stream stream) { return cuda::launch_embed({&step, embedding.device(), hidden.data()}, stream); });
      std::vector<std::vector<float>> rows;
      for (int row = 0; row < step.n_rows; ++row) rows.push_back(embedding.of(step.rows[row].tail));
      require_rows(hidden, step, e.d_model,
                   [&](int row, int i) { return rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(i)]; });
    }
  }
}

TEST_CASE("cuda: rows as wide as a model of 7B parameters has them fit the shared memory of every supported GPU") {
  cuda_emulator::set_machine({});  // 99 KiB a block: sm_86, 89 and 120
  cuda::Stream stream;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);  // recorded, never run
  const auto matrix = [](int n, int k) { return cuda::Matrix{nullptr, nullptr, n, k}; };
  const auto fits = [&](int d_model, int d_ff, int head_dim) {
    const cuda::Heads heads{d_model / head_dim, d_model / head_dim, head_dim};
    cuda::QkvArgs qkv{};
    qkv.kv_q = matrix(3 * d_model, d_model);
    qkv.heads = heads;
    qkv.n_heads = 3 * heads.n_heads;
    cuda::AttentionArgs attention{};
    attention.heads = heads;
    attention.max_blocks = 16;
    cuda::GateUpArgs gate_up{};
    gate_up.gate_up = matrix(2 * d_ff, d_model);
    gate_up.d_ff = d_ff;
    cuda::AddProductArgs down{};
    down.w = matrix(d_model, d_ff);
    cuda::DraftArgs draft{};
    draft.embedding.d_model = d_model;
    draft.embedding.n_orders = 5;
    draft.embedding.ngram_dim = 256;
    draft.cell.dim = 1024;
    return cuda::launch_qkv(qkv, stream) == cudaSuccess && cuda::launch_attention(attention, stream) == cudaSuccess &&
           cuda::launch_gate_up(gate_up, stream) == cudaSuccess && cuda::launch_add_product(down, stream) == cudaSuccess &&
           cuda::launch_draft(draft, stream) == cudaSuccess;
  };
  CHECK(fits(4096, 11008, 128));
  CHECK_FALSE(fits(4096, 14336, 128));
  CHECK_FALSE(fits(4096, 11008, 256));
  cudaGetLastError();
  cudaStreamDestroy(stream);
}

}  // namespace octet::tests

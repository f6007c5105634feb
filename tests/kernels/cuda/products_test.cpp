// The CUDA kernels that are products: embedding, the feed-forward part, the primary head. In int8 bit for bit the
// reference's operations; in bf16 the bits of scalar code in the same order, which is near to the exact sums.
#include <vector>

#include "kernels/reference/math.h"
#include "tests/kernels/cuda/operands.h"
#include "tests/kernels/cuda/random_embedding.h"

namespace octet::tests {
namespace {

constexpr float kEps = 1e-5F;

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
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const int n = shape + 1 == kShapes ? 20 : size_of(sizes, shape);
    const int k = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, n, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      const Fragments w(random, n, k, format);
      const auto x = device_floats(random_rows(random, step.n_rows, k));
      const auto from = device_floats(random.normal(product(kBufferRows, n)));
      Aligned<float> to(product(kBufferRows, n));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_add_product({&step, x->data(), w.matrix(), from->data(), to.data()}, stream);
      });
      std::vector<FormattedRow> rows;
      for (int row = 0; row < step.n_rows; ++row) rows.push_back(formatted(x->data() + row * k, k, format));
      require_rows(to, step, n, [&](int row, int i) {
        return from->data()[(row + step.first_row) * n + i] + w.times(i, rows[static_cast<std::size_t>(row)]);
      });
    }
  }
}

TEST_CASE("cuda: gate and up") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(100 + shape);
    const int d_ff = shape + 1 == kShapes ? 20 : size_of(sizes, shape);
    const int d_model = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, d_ff, d_model, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step = random_step(random, 1000);
      const int n_pairs = cuda::n_tiles(d_ff);
      const Fragments w(random, 2 * n_pairs * cuda::kTile, d_model, format);
      const auto hidden = device_floats(random_rows(random, kBufferRows, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      Aligned<float> active(product(cuda::kMaxRows, d_ff));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_gate_up({&step, hidden->data(), gain->data(), kEps, w.matrix(), d_ff, active.data()}, stream);
      });
      std::vector<FormattedRow> rows;
      for (int row = 0; row < step.n_rows; ++row) {
        rows.push_back(norm_formatted(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model, format));
      }
      step.first_row = 0;
      require_rows(active, step, d_ff, [&](int row, int i) {
        const auto& x = rows[static_cast<std::size_t>(row)];
        const int gate = i / 16 * 32 + i % 16;
        return reference::silu(w.times(gate, x)) * w.times(gate + 16, x);
      });
    }
  }
}

TEST_CASE("cuda: heads, of the same rows and of rows of their own") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(200 + shape);
    const int d_model = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, d_model, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      // Mostly one head, since each is as much to compute.
      const int n_heads = seed % 10 == 0 ? 2 + static_cast<int>(random.below(2)) : 1;
      const int stride = random.below(2) == 0 ? 0 : kBufferRows * d_model;
      const Fragments w(random, n_heads * 256, d_model, format);
      const auto hidden = device_floats(random_rows(random, n_heads * kBufferRows, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      Aligned<float> all(product(n_heads * kBufferRows, 256));
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_head({&step, hidden->data(), stride, gain->data(), kEps, w.matrix(), all.data(), kBufferRows * 256}, stream);
      });
      for (int head = 0; head < n_heads; ++head) {
        Aligned<float> logits(product(kBufferRows, 256));
        std::copy_n(all.data() + head * kBufferRows * 256, logits.size(), logits.data());
        std::vector<FormattedRow> rows;
        for (int row = 0; row < step.n_rows; ++row) {
          const float* x = hidden->data() + head * stride + (step.first_row + row) * d_model;
          rows.push_back(norm_formatted(x, gain->data(), kEps, d_model, format));
        }
        require_rows(logits, step, 256, [&](int row, int i) { return w.times(head * 256 + i, rows[static_cast<std::size_t>(row)]); });
      }
    }
  }
}

TEST_CASE("cuda: bytes and their n-grams are embedded") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(300 + shape);
    const RandomEmbedding::Shape e = RandomEmbedding::draw(sizes, static_cast<int>(shape % 4), size_of(sizes, shape));
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, e.d_model, e.orders.size(), e.ngram_dim, seed);
      RandomFloats random(seed * kShapes + shape);
      const cuda::Step step = random_step(random, 1000);
      const RandomEmbedding embedding(random, e, format);
      Aligned<float> hidden(product(kBufferRows, e.d_model));
      run_kernel(seed, [&](cuda::Stream stream) { return cuda::launch_embed({&step, embedding.device(), hidden.data()}, stream); });
      std::vector<std::vector<float>> rows;
      for (int row = 0; row < step.n_rows; ++row) rows.push_back(embedding.of(step.rows[row].tail));
      require_rows(hidden, step, e.d_model,
                   [&](int row, int i) { return rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(i)]; });
    }
  }
}

TEST_CASE("cuda: models of 0.1B, 1B and 7B parameters fit the shared memory of every supported GPU, wider rows as well") {
  const Format format = any_format();
  cuda_emulator::set_machine({});  // 99 KiB a block: sm_86, 89 and 120
  cuda::Stream stream;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);  // recorded, never run
  const auto matrix = [&](int n, int k) { return cuda::Matrix{nullptr, nullptr, n, k, format}; };
  const auto fits = [&](int d_model, int d_ff, int head_dim) {
    const cuda::Heads heads{d_model / head_dim, d_model / head_dim, head_dim};
    cuda::EmbedArgs embed{};
    embed.embedding = {format, {}, d_model, matrix(d_model, 5 * 256), {}, {}, 5, 65536, 256};
    cuda::QkvArgs qkv{};
    qkv.kv_q = matrix(3 * d_model, d_model);
    qkv.heads = heads;
    qkv.n_heads = 3 * heads.n_heads;
    cuda::AttentionArgs attention{};
    attention.format = format;
    attention.heads = heads;
    attention.max_runs = cuda::kMaxRuns;
    attention.max_blocks = 16;
    cuda::GateUpArgs gate_up{};
    gate_up.gate_up = matrix(2 * d_ff, d_model);
    gate_up.d_ff = d_ff;
    cuda::AddProductArgs down{};
    down.w = matrix(d_model, d_ff);
    cuda::HeadArgs head{};
    head.unembed = matrix(256, d_model);
    cuda::ChunkProductArgs chunk{};
    chunk.w = down.w;
    cuda::FinishHeadsArgs finish{};
    finish.qkv = qkv;
    finish.n_rows = cuda::kLongRows;
    cuda::DraftArgs draft{};
    draft.embedding = embed.embedding;
    draft.cell.dim = 1024;
    for (const cudaError_t error :
         {cuda::launch_embed(embed, stream), cuda::launch_qkv(qkv, stream), cuda::launch_attention(attention, stream),
          cuda::launch_gate_up(gate_up, stream), cuda::launch_add_product(down, stream), cuda::launch_head(head, stream),
          cuda::launch_chunk_product(chunk, stream), cuda::launch_finish_heads(finish, stream), cuda::launch_draft(draft, stream)}) {
      if (error != cudaSuccess) return false;
    }
    return true;
  };
  CHECK(fits(640, 1728, 64));
  CHECK(fits(2048, 5632, 128));
  CHECK(fits(4096, 11008, 128));
  CHECK(fits(8192, 28672, 128));
  CHECK_FALSE(fits(4096, 11008, 256));
  cudaStreamDestroy(stream);
}

}  // namespace octet::tests

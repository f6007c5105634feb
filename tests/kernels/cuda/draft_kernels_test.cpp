// The CUDA kernels of drafting: which row is accepted, and the chain of proposals behind it.
#include <array>
#include <vector>

#include "bytemodel/control_bytes.h"
#include "bytemodel/ngram_index.h"
#include "engine/decode/utf8_gate.h"
#include "kernels/cuda/embedding.h"
#include "kernels/cuda/utf8.h"
#include "tests/kernels/cuda/operands.h"
#include "tests/kernels/cuda/random_embedding.h"

namespace octet::tests {
namespace {

constexpr float kEps = 1e-5F;

/// The byte that the reference chooses after a text that ends with the tail.
int expected_choice(const float* logits, std::span<const std::uint16_t> tail) {
  cuda::Row row{};
  std::copy(tail.begin(), tail.end(), row.tail);
  const cuda::Utf8 state = cuda::utf8_after(row);
  std::array<bool, 256> allowed{};
  for (int byte = 0; byte < 256; ++byte) allowed[static_cast<std::size_t>(byte)] = state.allows(byte, kEnd);
  return reference::masked_argmax(logits, allowed.data(), 256) % 256;
}

/// Logits of which few are the largest, some no numbers.
std::vector<float> random_logits(RandomFloats& random, int n_rows) {
  auto logits = random.normal(product(n_rows, 256));
  for (auto& logit : logits) {
    if (random.below(3) == 0) logit = 2.0F;
    if (random.below(9) == 0) logit = NAN;
  }
  return logits;
}

}  // namespace

TEST_CASE("cuda: what follows a text in UTF-8 is what the engine allows") {
  RandomFloats random(1);
  engine::Utf8State expected;
  cuda::Row row{};
  for (int i = 0; i < 20000; ++i) {
    const cuda::Utf8 state = cuda::utf8_after(row);
    std::vector<int> allowed;
    for (int byte = 0; byte < 256; ++byte) {
      if (expected.allowed()[static_cast<std::size_t>(byte)]) allowed.push_back(byte);
      if (state.allows(byte, kEnd) != expected.allowed()[static_cast<std::size_t>(byte)]) {
        CAPTURE(i, byte);
        REQUIRE(false);
      }
    }
    const int next = allowed[random.below(static_cast<std::uint32_t>(allowed.size()))];
    expected.advance(static_cast<std::uint8_t>(next));
    std::copy(row.tail + 1, row.tail + cuda::kMaxTail, row.tail);
    row.tail[cuda::kMaxTail - 1] = static_cast<std::uint16_t>(next + 1);
  }
}

TEST_CASE("cuda: the rows that go on as the primary head chooses are accepted") {
  for (std::uint32_t seed = 0; seed < kShapes * kSeeds; ++seed) {
    CAPTURE(seed);
    RandomFloats random(seed);
    cuda::Step step = random_step(random, 1000);
    const auto logits = device_floats(random_logits(random, cuda::kMaxRows + 3));
    // Mostly right drafts, so that all lengths occur.
    int accepted = 0;
    bool is_right = true;
    for (int row = 0; row < step.runs[0].n_rows; ++row) {
      const int chosen = expected_choice(logits->data() + (step.first_row + row) * 256, step.rows[row].tail);
      if (row + 1 == step.runs[0].n_rows) break;
      if (random.below(4) != 0) {
        step.rows[row + 1].byte = static_cast<std::uint8_t>(chosen);
        step.rows[row + 1].tail[cuda::kMaxTail - 1] = static_cast<std::uint16_t>(chosen + 1);
      }
      is_right = is_right && step.rows[row + 1].byte == chosen;
      accepted += is_right ? 1 : 0;
    }
    cuda::DraftStep draft;
    run_kernel(seed, [&](cuda::Stream stream) { return cuda::launch_accept({&step, logits->data(), kEnd, &draft}, stream); });
    REQUIRE(draft.step.n_rows == 1);
    REQUIRE(draft.step.first_row == step.first_row + accepted);
    REQUIRE(draft.step.rows[0].pos == step.rows[accepted].pos);
    REQUIRE(draft.step.rows[0].byte == step.rows[accepted].byte);
    REQUIRE(draft.n_given == 1);
    REQUIRE(draft.given[0] == expected_choice(logits->data() + (step.first_row + accepted) * 256, step.rows[accepted].tail));
  }
}

TEST_CASE("cuda: the chain of proposals, with and without a draft cell") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const int d_model = 1 + static_cast<int>(sizes.below(shape < 4 ? 20 : 120));
    const int dim = shape % 3 == 0 ? 0 : 1 + static_cast<int>(sizes.below(80));
    const int n_predict = 1 + static_cast<int>(sizes.below(6));
    const auto embedding_shape = RandomEmbedding::draw(sizes, static_cast<int>(shape % 3), d_model);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, d_model, dim, n_predict, seed);
      RandomFloats random(seed * kShapes + shape);
      const RandomEmbedding embedding(random, embedding_shape, format);
      const int gate_at = cuda::n_tiles(std::max(dim, 1)) * cuda::kTile;
      const Fragments in(random, std::max(dim, 1), d_model, format), recur(random, std::max(dim, 1), std::max(dim, 1), format),
          out(random, 256, std::max(dim, 1), format), embed_gate(random, 2 * gate_at, d_model, format);
      const auto hidden = device_floats(random.normal(product(4, d_model)));
      constexpr int kStride = (cuda::kMaxRows + 3) * 256;
      const auto trunk_logits = device_floats(random.normal(product(n_predict, kStride)));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      cuda::DraftStep draft{};
      draft.step = random_step(random, 100);
      draft.n_given = 1 + static_cast<int>(random.below(3));
      for (auto& byte : draft.given) byte = static_cast<std::uint8_t>(random.below(128));

      cuda::DraftArgs args{};
      args.draft = &draft;
      args.hidden = hidden->data();
      args.logits = trunk_logits->data();
      args.logits_stride = kStride;
      args.gain = gain->data();
      args.eps = kEps;
      args.n_predict = n_predict;
      args.end_byte = kEnd;
      args.embedding = embedding.device();
      if (dim > 0) args.cell = {dim, in.matrix(), recur.matrix(), out.matrix(), embed_gate.matrix()};
      cuda::Verdict verdict{};
      Aligned<float> rows(product(std::max(n_predict - 1, 1), 256));
      args.verdict = &verdict;
      args.rows = rows.data();
      run_kernel(seed, [&](cuda::Stream stream) { return cuda::launch_draft(args, stream); });

      std::vector<std::uint16_t> tail(draft.step.rows[0].tail, draft.step.rows[0].tail + cuda::kMaxTail);
      const auto trunk = norm_formatted(hidden->data() + draft.step.first_row * d_model, gain->data(), kEps, d_model, format);
      const auto size = static_cast<std::size_t>(std::max(dim, 1));
      std::vector<float> state(size), z(size), by_recur(size), by_embed(size), by_gate(size);
      for (int i = 0; i < dim; ++i) z[static_cast<std::size_t>(i)] = in.times_in_order(i, trunk);
      int previous = draft.given[0];
      REQUIRE(verdict.row == draft.step.first_row);
      for (int head = 1; head < n_predict; ++head) {
        if (head - 1 < draft.n_given) previous = draft.given[head - 1];
        REQUIRE(verdict.chosen[head - 1] == previous);
        tail.erase(tail.begin());
        tail.push_back(static_cast<std::uint16_t>(previous + 1));
        const float* of_trunk = trunk_logits->data() + (head - 1) * kStride + draft.step.first_row * 256;
        std::vector<float> logits(of_trunk, of_trunk + 256);
        if (dim > 0) {
          const auto e = embedding.of(tail, 1);
          const auto input = norm_formatted(e.data(), nullptr, kEps, d_model, format);
          const auto before = formatted(state.data(), dim, format);
          for (int i = 0; i < dim; ++i) {
            const auto at = static_cast<std::size_t>(i);
            by_recur[at] = recur.times_in_order(i, before);
            by_embed[at] = embed_gate.times_in_order(i, input);
            by_gate[at] = embed_gate.times_in_order(gate_at + i, input);
          }
          reference::cell_update(state.data(), by_recur.data(), z.data(), by_embed.data(), by_gate.data(), dim);
          const auto now = formatted(state.data(), dim, format);
          for (int i = 0; i < 256; ++i) logits[static_cast<std::size_t>(i)] += out.times_in_order(i, now);
        }
        REQUIRE(std::memcmp(rows.data() + (head - 1) * 256, logits.data(), 4 * 256) == 0);
        previous = expected_choice(logits.data(), tail);
      }
    }
  }
}

TEST_CASE("cuda: n-gram rows are those of the model's format") {
  // The kernels hash values of a tail; a text shorter than the tail has zeros before it.
  for (const std::size_t length : {std::size_t{1}, std::size_t{3}, std::size_t{7}, std::size_t{40}}) {
    std::vector<std::uint8_t> text;
    for (std::size_t i = 0; i < length; ++i) text.push_back(static_cast<std::uint8_t>(37 * i + 200));
    std::vector<std::uint16_t> tail(cuda::kMaxTail);
    for (std::size_t i = 0; i < std::min<std::size_t>(length, cuda::kMaxTail); ++i) {
      tail[cuda::kMaxTail - 1 - i] = static_cast<std::uint16_t>(text[length - 1 - i] + 1);
    }
    for (int order = 1; order <= cuda::kMaxTail; ++order) {
      const auto row = cuda::ngram_row([&](int i) { return tail[static_cast<std::size_t>(i)]; }, order, 1 << 16);
      REQUIRE(row == bytemodel::ngram_index(text, order, 1 << 16));
    }
  }
}

}  // namespace octet::tests

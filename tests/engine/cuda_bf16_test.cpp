// The whole bf16 profile on the emulated GPU: rows do not depend on how they are computed, drafted text is plain text, all of it is near to
// the f32 profile, and where the GPU fails the CPU goes on in f32.
#include <algorithm>
#include <cstring>

#include "tests/engine/cuda_models.h"

namespace octet::tests {
namespace {

using Row = std::vector<float>;

/// Rows of logits differ by so much of their norm from those of the f32 profile: weights, keys, values and each product's rows are rounded
/// to 8 bits, an error of up to 2^-9 each. Found: 0.0125. Random models attend more sharply, with scores of heads of a few numbers: 0.066.
constexpr double kRowTolerance = 0.02;
constexpr double kRandomTolerance = 0.1;

double distance(engine::LogitsRow expected, engine::LogitsRow found) {
  return relative_distance({expected.begin(), expected.end()}, found.data());
}

/// A row for each byte of the text, computed in pieces of 1 to `longest` bytes, with another sequence beside now and then and bytes that
/// are taken back; of a prefix alone the last row, in chunks, where `n_prefix` is more than none.
std::vector<Row> rows_in_pieces(engine::ModelRunner& runner, const Bytes& text, std::size_t longest, std::size_t n_prefix,
                                std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto cache = runner.new_cache();
  const auto beside = runner.new_cache();
  std::vector<Row> rows(text.size());
  const auto keep = [&](std::size_t i, engine::LogitsRow row) { rows[i] = Row(row.begin(), row.end()); };
  for (std::size_t at = 0; at < n_prefix;) {
    const std::size_t n = std::min(n_prefix - at, 9 + random() % 56);
    const auto row = runner.forward(std::span(text).subspan(at, n), *cache, Rows::kLast);
    at += n;
    keep(at - 1, row[0]);
  }
  for (std::size_t at = n_prefix; at < text.size();) {
    const std::size_t n = std::min(text.size() - at, 1 + random() % longest);
    const auto piece = std::span(text).subspan(at, n);
    if (longest > 1 && random() % 3 == 0) {  // a draft that is wrong
      runner.forward(random_code(1 + random() % 8, seed), *cache, Rows::kAll);
      cache->truncate(at);
    }
    if (longest > 1 && random() % 3 == 0) {
      const Bytes other = random_code(1 + random() % 5, seed + 1);
      if (beside->length() > 100) beside->truncate(0);
      const engine::ModelRunner::Piece pieces[] = {{other, beside.get()}, {piece, cache.get()}};
      const auto found = runner.forward(pieces, Rows::kAll);
      for (std::size_t i = 0; i < n; ++i) keep(at + i, found[other.size() + i]);
    } else {
      const auto found = runner.forward(piece, *cache, Rows::kAll);
      for (std::size_t i = 0; i < n; ++i) keep(at + i, found[i]);
    }
    at += n;
  }
  require_on_gpu(runner);
  return rows;
}

}  // namespace

TEST_CASE("cuda bf16: a row's bits are the same in steps, in chunks, beside others and behind what was taken back; and near to f32") {
  cuda_emulator::set_machine({});
  double largest = 0;
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937 random(seed);
    const auto config = random_config(random);
    CAPTURE(seed, bytemodel::to_json(config));
    cuda_emulator::set_seed(seed);
    const auto runner = on_gpu(random_model(config, seed), Format::kBf16);
    const Bytes text = random_code(90, seed);
    const auto expected = rows_in_pieces(*runner, text, 1, 0, seed);
    const auto in_pieces = rows_in_pieces(*runner, text, 20, 0, seed);
    const auto behind_chunks = rows_in_pieces(*runner, text, 8, 75, seed);
    const auto f32 = in_f32(random_model(config, seed));
    const auto cache = f32->new_cache();
    for (std::size_t i = 0; i < text.size(); ++i) {
      CAPTURE(i);
      REQUIRE(std::memcmp(in_pieces[i].data(), expected[i].data(), 4 * expected[i].size()) == 0);
      if (!behind_chunks[i].empty()) REQUIRE(std::memcmp(behind_chunks[i].data(), expected[i].data(), 4 * expected[i].size()) == 0);
      const auto row = f32->forward(std::span(text).subspan(i, 1), *cache, Rows::kLast)[0];
      largest = std::max(largest, distance(row, engine::LogitsRow(expected[i].data(), expected[i].size())));
      REQUIRE(largest <= kRandomTolerance);
    }
  }
  CHECK(largest > 1e-4);  // it is not f32 that was compared
}

TEST_CASE("cuda bf16: sequences beyond one block of keys, and rings that turn around") {
  cuda_emulator::set_machine({});
  auto config = load_model("tiny-linear").config();
  config.max_context = 2048;
  config.window = {64, 0};
  const auto runner = on_gpu(random_model(config, 1), Format::kBf16);
  const auto f32 = in_f32(random_model(config, 1));
  const Bytes text = random_code(1300, 2);
  const auto cache = runner->new_cache();
  const auto expected_cache = f32->new_cache();
  for (std::size_t i = 0; i < text.size(); i += 64) {
    const auto part = std::span(text).subspan(i, std::min<std::size_t>(64, text.size() - i));
    const Row row = [&] {
      const auto found = runner->forward(part, *cache, Rows::kLast)[0];
      return Row(found.begin(), found.end());
    }();
    CAPTURE(i);
    REQUIRE(distance(f32->forward(part, *expected_cache, Rows::kLast)[0], engine::LogitsRow(row.data(), row.size())) <= kRowTolerance);
    // The last bytes once more, as a step.
    const std::size_t n = std::min<std::size_t>(part.size(), 1 + i / 64 % 8);
    cache->truncate(cache->length() - n);
    const auto again = runner->forward(part.last(n), *cache, Rows::kAll);
    REQUIRE(std::memcmp(again[n - 1].data(), row.data(), 4 * row.size()) == 0);
    require_on_gpu(*runner);
  }
}

TEST_CASE("cuda bf16: drafted text is plain text, and rows behind the golden prompts are near to f32") {
  cuda_emulator::set_machine({});
  const std::string name = GENERATE("tiny-linear", "tiny-transformer", "seed");
  const auto runner = on_gpu(load_model(name), Format::kBf16);
  const auto f32 = in_f32(load_model(name));
  std::size_t n_compared = 0;
  for (const GoldenCase& golden : load_golden(name)) {
    if (golden.prompt.size() > 110) continue;
    CAPTURE(name, golden.name);
    const std::size_t n = name == "seed" ? 12 : 24;
    auto drafted = write_text(*runner, golden.prompt, n);
    const Bytes plain = write_plainly(*runner, golden.prompt, n + 8);
    REQUIRE(drafted.text.size() <= plain.size());
    REQUIRE(std::equal(drafted.text.begin(), drafted.text.end(), plain.begin()));
    require_on_gpu(*runner);
    const auto cache = runner->new_cache();
    const auto expected_cache = f32->new_cache();
    for (std::size_t at = 0; at < golden.prompt.size(); at += 64) {
      const auto part = std::span(golden.prompt).subspan(at, std::min<std::size_t>(64, golden.prompt.size() - at));
      const auto found = runner->forward(part, *cache, Rows::kLast)[0];
      REQUIRE(distance(f32->forward(part, *expected_cache, Rows::kLast)[0], found) <= kRowTolerance);
    }
    ++n_compared;
  }
  CHECK(n_compared >= 2);
}

TEST_CASE("cuda bf16: proposals do not depend on who guessed the accepted row, and are near to f32") {
  cuda_emulator::set_machine({});
  const std::string name = GENERATE("tiny-linear", "tiny-transformer");
  const auto runner = on_gpu(load_model(name), Format::kBf16);
  const auto f32 = in_f32(load_model(name));
  const Bytes text = random_code(40, 3);
  for (std::size_t row = 0; row < 8; ++row) {
    CAPTURE(name, row);
    // Behind a row of a step, and as the last byte of a sequence.
    std::vector<Row> rows[2];
    for (const bool is_last : {false, true}) {
      const auto cache = runner->new_cache();
      runner->forward(std::span(text).first(32), *cache, Rows::kLast);
      runner->forward(std::span(text).subspan(32, is_last ? row + 1 : 8), *cache, Rows::kAll);
      cache->truncate(32 + row + 1);
      runner->begin_draft(row, *cache);
      for (int head = 1; head < runner->config().n_predict; ++head) {
        const auto found = runner->next_draft(static_cast<std::uint8_t>('a' + head));
        rows[is_last ? 1 : 0].emplace_back(found.begin(), found.end());
      }
    }
    REQUIRE(rows[0] == rows[1]);
    const auto cache = f32->new_cache();
    f32->forward(std::span(text).first(33 + row), *cache, Rows::kLast);
    f32->begin_draft(32 + row, *cache);
    for (std::size_t head = 0; head < rows[0].size(); ++head) {
      const auto expected = f32->next_draft(static_cast<std::uint8_t>('a' + head + 1));
      REQUIRE(distance(expected, engine::LogitsRow(rows[0][head].data(), rows[0][head].size())) <= kRowTolerance);
    }
    require_on_gpu(*runner);
  }
}

TEST_CASE("cuda bf16: where the GPU fails, at each step, the CPU goes on in f32 from the bytes that there are") {
  auto config = load_model("tiny-linear").config();
  config.max_context = 256;
  config.d_model = config.d_ff = 16;
  config.n_heads = 1;
  config.head_dim = config.cell_dim = 8;
  config.n_predict = 3;
  const Bytes prompt = random_code(20, 1);
  constexpr std::size_t kText = 16;
  cuda_emulator::set_machine({});
  const auto healthy = on_gpu(random_model(config, 4), Format::kBf16);
  const Bytes of_gpu = write_plainly(*healthy, prompt, kText + 8);
  cuda_emulator::set_machine({});
  write_text(*healthy, prompt, kText);
  const auto n_steps = static_cast<int>(cuda_emulator::counts().graphs_launched);
  REQUIRE(n_steps > 8);
  for (int k = 0; k < 2 * n_steps; ++k) {
    cuda_emulator::set_machine({});
    const auto runner = on_gpu(random_model(config, 4), Format::kBf16);
    cuda_emulator::FakeMachine machine;
    (k % 2 == 0 ? machine.failing_step : machine.spoilt_step) = k / 2;
    cuda_emulator::set_machine(machine);
    const Bytes text = write_text(*runner, prompt, kText).text;
    CAPTURE(k, runner->trouble());
    REQUIRE(std::string(runner->device()) == "cpu");
    REQUIRE_THAT(runner->trouble(), Catch::Contains("the GPU failed, the CPU took over in the f32 profile: "));
    // The GPU's bytes, and from some place on the f32 profile's.
    const auto f32 = in_f32(random_model(config, 4));
    const auto same = static_cast<std::size_t>(std::mismatch(text.begin(), text.end(), of_gpu.begin(), of_gpu.end()).first - text.begin());
    Bytes before = prompt;
    before.insert(before.end(), text.begin(), text.begin() + static_cast<std::ptrdiff_t>(same));
    if (same < text.size()) {
      const Bytes rest = write_plainly(*f32, before, text.size() - same);
      REQUIRE(std::equal(rest.begin(), rest.end(), text.begin() + static_cast<std::ptrdiff_t>(same)));
    }
  }
}

}  // namespace octet::tests

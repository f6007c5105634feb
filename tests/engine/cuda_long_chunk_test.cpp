// Long chunks, which cuBLASLt multiplies: in int8 with the bits of the CPU's, in bf16 near to f32; and what becomes of them without
// cuBLASLt.
#include "engine/decode/session.h"
#include "tests/engine/cuda_models.h"

namespace octet::tests {
namespace {

/// A small model with room for `n` positions, in parts of long chunks and chunks.
bytemodel::ModelConfig random_long_config(std::mt19937& random, int n) {
  auto config = random_config(random);
  config.max_context = n;
  return config;
}

/// What follows the text in calls of up to max_prefill() bytes, and proposals behind it.
std::vector<std::vector<float>> rows_behind(engine::ModelRunner& runner, const Bytes& text, const std::vector<std::size_t>& calls) {
  const auto cache = runner.new_cache();
  std::vector<std::vector<float>> rows;
  const auto keep = [&](engine::LogitsRow row) { rows.emplace_back(row.begin(), row.end()); };
  std::size_t at = 0;
  for (std::size_t n : calls) {
    // A runner that takes less at once gets it in parts.
    std::size_t last = 0;
    for (const std::size_t end = at + n; at < end; at += last) {
      last = std::min(runner.max_prefill(), end - at);
      const auto row = runner.forward(std::span(text).subspan(at, last), *cache, Rows::kLast);
      if (at + last == end) keep(row[0]);
    }
    runner.begin_draft(last - 1, *cache);
    for (int head = 1; head < runner.config().n_predict; ++head) keep(runner.next_draft(static_cast<std::uint8_t>('a' + head)));
  }
  // Keys and values of all positions count for these.
  const auto found = runner.forward(random_code(6, 9), *cache, Rows::kAll);
  for (std::size_t i = 0; i < found.size(); ++i) keep(found[i]);
  return rows;
}

double largest_distance(const std::vector<std::vector<float>>& expected, const std::vector<std::vector<float>>& found) {
  REQUIRE(expected.size() == found.size());
  double largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    largest = std::max(largest, relative_distance({expected[i].begin(), expected[i].end()}, found[i].data()));
  return largest;
}

}  // namespace

TEST_CASE("cuda long chunk: rows and proposals have the CPU's bits in int8, and are near to f32 in bf16") {
  const Format format = GENERATE(Format::kInt8, Format::kBf16);
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937 random(seed);
    const auto config = random_long_config(random, 300 + static_cast<int>(random() % 80));
    CAPTURE(seed, bytemodel::to_json(config));
    cuda_emulator::set_machine({});
    cuda_emulator::set_seed(seed);
    const auto found = on_gpu(random_model(config, seed), format);
    const auto expected = format == Format::kInt8 ? on_cpu(random_model(config, seed)) : in_f32(random_model(config, seed));
    REQUIRE(found->max_prefill() == static_cast<std::size_t>(config.max_context / 64 * 64));
    // A long chunk alone; the same padded; a chunk, and a long one at a position that is no multiple of anything.
    const std::size_t longest = found->max_prefill();
    for (const std::vector<std::size_t>& calls : {std::vector{longest}, {longest / 2 + 3, 5}, {7, longest / 2 + 10, 40}}) {
      const Bytes text = random_code(longest + 60, seed);
      const std::size_t before = cuda_emulator::counts().products;
      const auto rows = rows_behind(*found, text, calls);
      require_on_gpu(*found);
      CHECK(cuda_emulator::counts().products > before);
      const double distance = largest_distance(rows_behind(*expected, text, calls), rows);
      if (format == Format::kInt8) {
        REQUIRE(distance == 0);
      } else {
        REQUIRE(distance <= 0.1);  // as of random models in chunks
        CHECK(distance > 1e-4);
      }
    }
  }
}

TEST_CASE("cuda long chunk: drafted text is plain text in bf16") {
  cuda_emulator::set_machine({});
  const std::string name = GENERATE("tiny-linear", "tiny-transformer");
  const auto runner = on_gpu(load_model(name), Format::kBf16);
  const Bytes prompt = random_code(runner->max_prefill() * 3 / 4, 5);
  const auto drafted = write_text(*runner, prompt, 24);
  const Bytes plain = write_plainly(*runner, prompt, 40);
  REQUIRE(cuda_emulator::counts().products > 0);
  REQUIRE(drafted.text.size() <= plain.size());
  CHECK(std::equal(drafted.text.begin(), drafted.text.end(), plain.begin()));
  require_on_gpu(*runner);
}

TEST_CASE("cuda long chunk: there is none without cuBLASLt, or where it knows no way, or where a context is no longer than a few chunks") {
  std::mt19937 random(1);
  const auto config = random_long_config(random, 256);
  const auto open = [&](const cuda_emulator::FakeMachine& machine, int max_context) {
    auto c = config;
    c.max_context = max_context;
    cuda_emulator::set_machine(machine);
    return on_gpu(random_model(c, 1));
  };
  const auto with = open({}, 256);
  const std::size_t n_asked = cuda_emulator::counts().products_asked;
  CHECK(with->max_prefill() == 256);
  CHECK(open({}, 200)->max_prefill() == 192);
  CHECK(open({}, 127)->max_prefill() == 64);

  cuda_emulator::FakeMachine machine;
  machine.has_cublas = false;
  const auto without = open(machine, 256);
  CHECK(without->max_prefill() == 64);
  CHECK(without->steps().memory_bytes() + kernels::cuda::kMatmulWorkspace < with->steps().memory_bytes());
  // Where memory is scarce it goes to what is needed.
  for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
    cuda_emulator::set_machine({});
    auto c = config;
    c.max_context = 256;
    CHECK(on_gpu(random_model(c, 1), Format::kInt8, with->steps().memory_bytes() - more)->max_prefill() == (more == 0 ? 256 : 64));
  }
  REQUIRE(n_asked >= 4);
  machine = {};
  for (std::size_t i = 0; i < n_asked; ++i) {
    machine.unknown_product = static_cast<int>(i);
    CHECK(open(machine, 256)->max_prefill() == 64);
  }
}

TEST_CASE("cuda long chunk: where it fails the CPU computes the prompt, and the text is the same") {
  std::mt19937 random(2);
  auto config = random_long_config(random, 256);
  config.n_predict = 4;
  const Bytes prompt = random_code(230, 7);
  const std::vector<std::size_t> calls{150, 80};
  const auto expected = write_text(*on_cpu(random_model(config, 3)), prompt, 12);
  const auto expected_rows = rows_behind(*on_cpu(random_model(config, 3)), prompt, calls);
  for (int step = 0; step < 6; ++step) {
    for (const bool is_spoilt : {false, true}) {
      CAPTURE(step, is_spoilt);
      const auto compare = [&](auto same) {
        cuda_emulator::set_machine({});
        const auto runner = on_gpu(random_model(config, 3));
        REQUIRE(runner->max_prefill() == 256);
        cuda_emulator::FakeMachine machine;
        (is_spoilt ? machine.spoilt_step : machine.failing_step) = step;
        cuda_emulator::set_machine(machine);
        REQUIRE(same(*runner));
        REQUIRE(std::string(runner->device()) == "cpu");
        REQUIRE(runner->max_prefill() == runner->max_batch());
      };
      compare([&](engine::ModelRunner& runner) { return write_text(runner, prompt, 12) == expected; });
      if (step < 2) {  // in the first prompt: the second one is the CPU's, where a cancel waits for a chunk of its own
        compare([&](engine::ModelRunner& runner) {
          engine::Session session(runner, 256);
          return !session.prefill(prompt, {}).interrupted && !session.prefill(random_code(200, 8), {}).interrupted;
        });
      }
      compare([&](engine::ModelRunner& runner) { return rows_behind(runner, prompt, calls) == expected_rows; });
    }
  }
}

}  // namespace octet::tests

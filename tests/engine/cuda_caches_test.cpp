// More sequences than a GPU has memory for: whoever has to give his up gets the same bits as on the CPU, and nothing fails.
#include <fmt/format.h>

#include "engine/completer.h"
#include "tests/engine/cuda_models.h"

namespace octet::tests {
namespace {

using cuda_emulator::FakeMachine;

bytemodel::ModelFile small_model(std::uint32_t seed) {
  std::mt19937 random(seed);
  auto config = random_config(random);
  config.n_layers = 1 + static_cast<int>(random() % 2);
  config.window.assign(static_cast<std::size_t>(config.n_layers), random() % 2 == 0 ? 0 : 40);
  config.max_context = 512;
  return random_model(config, seed);
}

/// What is planned for `model`, and is all that it may have in what follows.
std::size_t planned_bytes(bytemodel::ModelFile model) {
  cuda_emulator::set_machine({});
  return on_gpu(std::move(model))->steps().memory_bytes();
}

struct Sequence {
  std::unique_ptr<engine::KvCache> expected, found;
};

void forward(engine::ModelRunner& expected, engine::ModelRunner& found, const std::vector<Sequence*>& sequences, std::mt19937& random) {
  std::vector<Bytes> texts;
  for (std::size_t i = 0; i < sequences.size(); ++i) texts.push_back(random_code(1 + random() % 16, static_cast<std::uint32_t>(random())));
  std::vector<engine::ModelRunner::Piece> expected_pieces, found_pieces;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    expected_pieces.push_back({texts[i], sequences[i]->expected.get()});
    found_pieces.push_back({texts[i], sequences[i]->found.get()});
  }
  const Rows rows = sequences.size() == 1 && random() % 2 == 0 ? Rows::kLast : Rows::kAll;
  const auto expected_rows = expected.forward(expected_pieces, rows);
  const auto found_rows = found.forward(found_pieces, rows);
  require_on_gpu(found);
  REQUIRE(expected_rows.size() == found_rows.size());
  for (std::size_t i = 0; i < found_rows.size(); ++i) {
    CAPTURE(i);
    REQUIRE(same_bits(expected_rows[i], found_rows[i]));
  }
  if (sequences.size() > 1 || expected.config().n_predict < 2) return;
  const std::size_t row = rows == Rows::kLast ? texts[0].size() - 1 : expected_rows.size() - 1;
  expected.begin_draft(row, *sequences[0]->expected);
  found.begin_draft(row, *sequences[0]->found);
  REQUIRE(same_bits(expected.next_draft('a'), found.next_draft('a')));
}

}  // namespace

TEST_CASE("cuda caches: whatever is asked of eight sequences with memory for three, the bits are the CPU's") {
  std::size_t n_lost = 0;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const auto planned = planned_bytes(small_model(seed));
    const auto expected = on_cpu(small_model(seed));
    const auto found = on_gpu(small_model(seed), Format::kInt8, planned);
    std::mt19937 random(seed);
    std::vector<Sequence> sequences(8);
    for (auto& sequence : sequences) sequence = {expected->new_cache(), found->new_cache()};
    for (int call = 0; call < 40; ++call) {
      CAPTURE(call);
      Sequence& one = sequences[random() % 8];
      Sequence& other = sequences[random() % 8];
      const std::size_t length = one.expected->length();
      switch (random() % 8) {
        case 0:
          if (&one == &other) break;
          expected->copy_cache(*one.expected, *other.expected);
          found->copy_cache(*one.found, *other.found);
          break;
        case 1: one = {expected->new_cache(), found->new_cache()}; break;
        case 2: {  // as a session does
          const std::size_t kept = random() % (length + 1);
          const std::size_t reusable = one.found->reusable(kept);
          n_lost += reusable < kept ? 1 : 0;
          for (engine::KvCache* cache : {one.expected.get(), one.found.get()})
            cache->truncate(std::min(one.expected->reusable(kept), reusable));
          break;
        }
        default: {
          std::vector<Sequence*> together{&one};
          if (&one != &other && random() % 3 == 0) together.push_back(&other);
          for (Sequence* sequence : together) {
            if (sequence->expected->room() > 80) continue;
            sequence->expected->truncate(0);
            sequence->found->truncate(0);
          }
          forward(*expected, *found, together, random);
        }
      }
      REQUIRE(cuda_emulator::counts().live_bytes <= planned);
    }
  }
  CHECK(n_lost > 20);
}

TEST_CASE("cuda caches: who was used longest ago gives his memory up") {
  const auto planned = planned_bytes(load_model("tiny-linear"));
  const auto runner = on_gpu(load_model("tiny-linear"), Format::kInt8, planned);
  std::vector<std::unique_ptr<engine::KvCache>> caches(5);
  for (auto& cache : caches) cache = runner->new_cache();
  const Bytes text = random_code(4, 1);
  for (const std::size_t i : {0, 1, 2, 0, 3, 4}) runner->forward(text, *caches[i], Rows::kLast);
  std::vector<std::size_t> reusable;
  for (const auto& cache : caches) reusable.push_back(cache->reusable(cache->length()));
  CHECK(reusable == std::vector<std::size_t>{8, 0, 0, 4, 4});
}

TEST_CASE("cuda caches: an editor with more documents than the GPU has memory for stays on it") {
  const auto planned = planned_bytes(load_model("tiny-linear"));
  engine::Completer completer(on_gpu(load_model("tiny-linear"), Format::kInt8, planned));
  engine::Completer on_cpu_alone(on_cpu(load_model("tiny-linear")));
  for (int i = 0; i < 10; ++i) {
    CAPTURE(i);
    engine::CompletionRequest request;
    request.document.uri = request.document.path = fmt::format("{}.py", i % 5);
    request.document.text = std::make_shared<const std::string>(fmt::format("def area{}(width, height):\n    return ", i));
    request.cursor = request.document.text->size();
    request.limits.max_bytes = 12;
    request.alternatives = i % 2 == 0 ? engine::CudaSteps::kMinCaches : 1;
    request.raw = true;
    const auto found = completer.complete(request, {}, {});
    const auto expected = on_cpu_alone.complete(request, {}, {});
    CHECK(found.trouble.empty());
    CHECK(found.text == expected.text);
    CHECK(found.alternatives == expected.alternatives);
    CHECK(cuda_emulator::counts().live_bytes <= planned);
  }
}

TEST_CASE("cuda caches: memory that others have taken since is done without") {
  cuda_emulator::set_machine({});
  const auto runner = on_gpu(load_model("tiny-linear"));
  const auto expected = on_cpu(load_model("tiny-linear"));
  FakeMachine full;
  full.failing_allocation = 2;
  cuda_emulator::set_machine(full);
  std::vector<Sequence> sequences(4);
  for (auto& sequence : sequences) sequence = {expected->new_cache(), runner->new_cache()};
  std::mt19937 random(1);
  for (int call = 0; call < 12; ++call) forward(*expected, *runner, {&sequences[static_cast<std::size_t>(call) % 4]}, random);
  CHECK(cuda_emulator::counts().allocations == 3);  // the third one failed, and it was not asked again
}

TEST_CASE("cuda caches: more sequences in a step than there is memory for are the CPU's") {
  const auto planned = planned_bytes(load_model("tiny-linear"));
  const auto runner = on_gpu(load_model("tiny-linear"), Format::kInt8, planned);
  const auto expected = on_cpu(load_model("tiny-linear"));
  std::vector<Sequence> sequences(engine::CudaSteps::kMinCaches + 1);
  std::vector<engine::ModelRunner::Piece> expected_pieces, found_pieces;
  const Bytes text = random_code(4, 1);
  for (auto& sequence : sequences) {
    sequence = {expected->new_cache(), runner->new_cache()};
    expected_pieces.push_back({text, sequence.expected.get()});
    found_pieces.push_back({text, sequence.found.get()});
  }
  const auto expected_rows = expected->forward(expected_pieces, Rows::kAll);
  const auto rows = runner->forward(found_pieces, Rows::kAll);
  for (std::size_t i = 0; i < rows.size(); ++i) REQUIRE(same_bits(expected_rows[i], rows[i]));
  CHECK(std::string(runner->device()) == "cpu");
  CHECK_THAT(runner->trouble(), Catch::Contains("out of memory for the keys and values"));
}

}  // namespace octet::tests

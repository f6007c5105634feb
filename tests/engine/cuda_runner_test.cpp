// The whole int8 profile on the emulated GPU against the CPU's: rows, proposals and texts, bit for bit.
#include <optional>

#include "engine/completer.h"
#include "tests/engine/cuda_models.h"

namespace octet::tests {
namespace {

/// The same calls to both runners: pieces of one or two sequences, cut back, copied, drafted behind.
void compare(engine::ModelRunner& expected, engine::ModelRunner& found, std::uint32_t seed, int n_calls) {
  std::mt19937 random(seed);
  struct Sequence {
    std::unique_ptr<engine::KvCache> expected, found;
  };
  std::vector<Sequence> sequences(2);
  for (auto& sequence : sequences) sequence = {expected.new_cache(), found.new_cache()};
  for (int call = 0; call < n_calls; ++call) {
    const bool has_two = random() % 3 == 0;
    const Rows rows = has_two || random() % 3 != 0 ? Rows::kAll : Rows::kLast;
    std::vector<Bytes> texts;
    std::vector<engine::ModelRunner::Piece> expected_pieces, found_pieces;
    for (std::size_t i = has_two ? 0 : random() % 2; i < 2; ++i) {
      texts.push_back(random_code(1 + random() % (random() % 4 == 0 ? 32 : 10), static_cast<std::uint32_t>(random())));
      if (!has_two) {
        expected_pieces.push_back({texts[0], sequences[i].expected.get()});
        found_pieces.push_back({texts[0], sequences[i].found.get()});
        break;
      }
    }
    for (std::size_t i = 0; has_two && i < 2; ++i) {
      expected_pieces.push_back({texts[i], sequences[i].expected.get()});
      found_pieces.push_back({texts[i], sequences[i].found.get()});
    }
    for (const auto& piece : expected_pieces) {
      if (piece.cache->length() + 64 > piece.cache->capacity() - 64) piece.cache->truncate(0);
    }
    for (std::size_t i = 0; i < found_pieces.size(); ++i) found_pieces[i].cache->truncate(expected_pieces[i].cache->length());
    const auto expected_rows = expected.forward(expected_pieces, rows);
    const auto found_rows = found.forward(found_pieces, rows);
    require_on_gpu(found);
    REQUIRE(expected_rows.size() == found_rows.size());
    for (std::size_t i = 0; i < found_rows.size(); ++i) {
      CAPTURE(call, i);
      REQUIRE(same_bits(expected_rows[i], found_rows[i]));
    }
    if (!has_two) {
      // Somewhere in the piece a draft begins, mostly with the byte that is likeliest there.
      auto& expected_cache = *expected_pieces[0].cache;
      auto& found_cache = *found_pieces[0].cache;
      const std::size_t n = texts[0].size();
      const std::size_t row = rows == Rows::kLast ? n - 1 : random() % n;
      expected_cache.truncate(expected_cache.length() - (n - 1 - row));
      found_cache.truncate(expected_cache.length());
      std::uint8_t previous = random() % 4 == 0 ? std::uint8_t{'x'} : best_byte(expected_rows[rows == Rows::kLast ? 0 : row]);
      expected.begin_draft(row, expected_cache);
      found.begin_draft(row, found_cache);
      for (int head = 1; head < expected.config().n_predict; ++head) {
        const auto expected_row = expected.next_draft(previous);
        const auto found_row = found.next_draft(previous);
        require_on_gpu(found);
        CAPTURE(call, head);
        REQUIRE(same_bits(expected_row, found_row));
        previous = random() % 4 == 0 ? std::uint8_t{'y'} : best_byte(expected_row);
      }
    }
    if (random() % 5 == 0) {
      expected.copy_cache(*sequences[0].expected, *sequences[1].expected);
      found.copy_cache(*sequences[0].found, *sequences[1].found);
    }
    for (auto& sequence : sequences) {
      if (sequence.expected->length() == 0 || random() % 3 != 0) continue;
      const std::size_t cut = std::min<std::size_t>(sequence.expected->length(), 1 + random() % 20);
      sequence.expected->truncate(sequence.expected->length() - cut);
      sequence.found->truncate(sequence.expected->length());
    }
  }
}

}  // namespace

TEST_CASE("cuda runner: rows and proposals of random models have the bits of the CPU's, whatever is called") {
  cuda_emulator::set_machine({});
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    std::mt19937 random(seed);
    const auto config = random_config(random);
    CAPTURE(seed, bytemodel::to_json(config));
    cuda_emulator::set_seed(seed);
    const auto expected = on_cpu(random_model(config, seed));
    const auto found = on_gpu(random_model(config, seed));
    compare(*expected, *found, seed, 12);
  }
}

TEST_CASE("cuda runner: sequences beyond one block of keys, and rings that turn around") {
  cuda_emulator::set_machine({});
  auto config = load_model("tiny-linear").config();
  config.max_context = 2048;
  config.window = {64, 0};
  const auto expected = on_cpu(random_model(config, 1));
  const auto found = on_gpu(random_model(config, 1));
  const auto expected_cache = expected->new_cache();
  const auto found_cache = found->new_cache();
  const Bytes text = random_code(1300, 2);
  const std::size_t n_at_once = GENERATE(64, 512);
  REQUIRE(n_at_once <= found->max_prefill());
  for (std::size_t i = 0; i < text.size(); i += n_at_once) {
    const auto part = std::span(text).subspan(i, std::min(n_at_once, text.size() - i));
    for (std::size_t j = 64; j < part.size(); j += 64) expected->forward(part.subspan(j - 64, 64), *expected_cache, Rows::kLast);
    const auto expected_row = expected->forward(part.last((part.size() - 1) % 64 + 1), *expected_cache, Rows::kLast);
    const auto found_row = found->forward(part, *found_cache, Rows::kLast);
    require_on_gpu(*found);
    CAPTURE(i);
    REQUIRE(same_bits(expected_row[0], found_row[0]));
  }
  for (const std::size_t length : {std::size_t{1300}, std::size_t{1000}, std::size_t{600}, std::size_t{100}}) {
    CHECK(expected_cache->reusable(length) <= found_cache->reusable(length));  // rings with room for a long chunk hold more
  }
}

TEST_CASE("cuda runner: a copy has all keys, and its rings know what they have, copied or cut back") {
  cuda_emulator::FakeMachine machine;
  machine.has_cublas = false;  // without long chunks its rings are as long as the CPU's
  cuda_emulator::set_machine(machine);
  for (const int max_context : {256, 2048}) {  // the last block of keys is used; rings turn around
    auto config = load_model("tiny-linear").config();
    config.max_context = max_context;
    config.window = {64, 0};
    const auto expected = on_cpu(random_model(config, 1));
    const auto found = on_gpu(random_model(config, 1));
    std::unique_ptr<engine::KvCache> caches[2] = {expected->new_cache(), found->new_cache()};
    std::unique_ptr<engine::KvCache> copies[2] = {expected->new_cache(), found->new_cache()};
    const Bytes text = random_code(max_context == 256 ? 300 : 1300, 2);
    const auto compare = [&](const std::unique_ptr<engine::KvCache>(&both)[2]) {
      const auto expected_rows = expected->forward(std::span(text).first(5), *both[0], Rows::kAll);
      const auto rows = found->forward(std::span(text).first(5), *both[1], Rows::kAll);
      require_on_gpu(*found);
      for (std::size_t i = 0; i < 5; ++i) REQUIRE(same_bits(expected_rows[i], rows[i]));
      for (std::size_t length = 0; length <= both[0]->length(); ++length) REQUIRE(both[0]->reusable(length) == both[1]->reusable(length));
    };
    for (std::size_t i = 0; i < text.size(); i += 64) {
      const auto part = std::span(text).subspan(i, std::min<std::size_t>(64, text.size() - i));
      expected->forward(part, *caches[0], Rows::kLast);
      found->forward(part, *caches[1], Rows::kLast);
    }
    expected->copy_cache(*caches[0], *copies[0]);
    found->copy_cache(*caches[1], *copies[1]);
    compare(copies);
    for (const auto& cache : caches) cache->truncate(text.size() - 290);
    compare(caches);
  }
}

TEST_CASE("cuda runner: proposals behind a chunk are its own, not those of a chunk before") {
  cuda_emulator::set_machine({});
  const auto expected = on_cpu(load_model("tiny-linear"));
  const auto found = on_gpu(load_model("tiny-linear"));
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    const auto expected_cache = expected->new_cache();
    const auto found_cache = found->new_cache();
    const Bytes text = random_code(20, seed);
    expected->forward(text, *expected_cache, Rows::kLast);
    found->forward(text, *found_cache, Rows::kLast);
    expected->begin_draft(19, *expected_cache);
    found->begin_draft(19, *found_cache);
    CAPTURE(seed);
    REQUIRE(same_bits(expected->next_draft('x'), found->next_draft('x')));
  }
  require_on_gpu(*found);
}

TEST_CASE("cuda runner: the golden prompts go on as on the CPU, draft for draft") {
  cuda_emulator::set_machine({});
  const std::string name = GENERATE("tiny-linear", "tiny-transformer", "seed");
  const auto expected = on_cpu(load_model(name));
  const auto found = on_gpu(load_model(name));
  std::size_t n_compared = 0;
  for (const GoldenCase& golden : load_golden(name)) {
    if (name == "seed" && golden.prompt.size() > 110) continue;  // a prompt of a thousand bytes takes minutes under sanitizers
    CAPTURE(name, golden.name);
    const std::size_t n = name == "seed" ? 12 : 24;
    REQUIRE(write_text(*expected, golden.prompt, n) == write_text(*found, golden.prompt, n));
    require_on_gpu(*found);
    ++n_compared;
  }
  CHECK(n_compared >= 3);
}

TEST_CASE("cuda runner: a completion of the default model is the CPU's") {
  cuda_emulator::set_machine({});
  const auto complete = [](std::unique_ptr<engine::ModelRunner> runner) {
    engine::Completer completer(std::move(runner));
    engine::CompletionRequest request;
    request.document.path = "a.py";
    request.document.text = std::make_shared<const std::string>("def area(width, height):\n    return ");
    request.cursor = request.document.text->size();
    request.limits.max_bytes = 24;
    return completer.complete(request, {}, {});
  };
  const auto expected = complete(on_cpu(load_model("default")));
  const auto found = complete(on_gpu(load_model("default")));
  CHECK(cuda_emulator::report().empty());
  CHECK(expected.text == found.text);
  CHECK_FALSE(expected.text.empty());
  CHECK(expected.confidence == found.confidence);
}

TEST_CASE("cuda runner: a step takes at most five launches a layer and four more") {
  cuda_emulator::set_machine({});
  for (const std::string name : {"tiny-linear", "tiny-transformer", "default"}) {
    const auto runner = on_gpu(load_model(name));
    const auto& config = runner->config();
    // A transformer head is a layer; the primary one is computed for all rows, the others' keys and values are a launch more, and so are
    // their logits.
    const int n_heads = config.head_kind == bytemodel::HeadKind::kTransformer ? config.n_predict : 0;
    CHECK(runner->steps().n_launches() <= 5 * (config.n_layers + n_heads) + 4 + n_heads);
    const auto cache = runner->new_cache();
    const std::size_t before = cuda_emulator::counts().kernels;
    runner->forward(random_code(8, 1), *cache, Rows::kAll);
    CHECK(cuda_emulator::counts().kernels - before == static_cast<std::size_t>(runner->steps().n_launches()));
    CHECK(cuda_emulator::counts().graphs_launched >= 1);
  }
}

}  // namespace octet::tests

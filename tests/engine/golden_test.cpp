// The f32 profile against golden vectors of both head kinds, at 1e-4 of a row's norm; bytes exactly.
#include <algorithm>

#include <catch2/catch.hpp>

#include "bytemodel/control_bytes.h"
#include "engine/model/f32_runner.h"
#include "tests/engine/bits_per_byte.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using engine::F32Runner;
using engine::LogitsRow;
using Rows = engine::ModelRunner::Rows;

constexpr double kTolerance = 1e-4;

std::uint8_t argmax(LogitsRow row) { return static_cast<std::uint8_t>(std::max_element(row.begin(), row.end()) - row.begin()); }

/// Feeds `bytes` in blocks; returns the last row.
LogitsRow prefill(F32Runner& runner, engine::KvCache& cache, std::span<const std::uint8_t> bytes) {
  while (bytes.size() > runner.max_batch()) {
    runner.forward(bytes.first(runner.max_batch()), cache, Rows::kLast);
    bytes = bytes.subspan(runner.max_batch());
  }
  return runner.forward(bytes, cache, Rows::kLast)[0];
}

std::vector<std::uint8_t> propose(F32Runner& runner, engine::KvCache& cache, std::size_t row, std::uint8_t first) {
  std::vector<std::uint8_t> draft{first};
  runner.begin_draft(row, cache);
  for (int i = 1; i < runner.config().n_predict; ++i) draft.push_back(argmax(runner.next_draft(draft.back())));
  return draft;
}

}  // namespace

TEST_CASE("logits of every head, the hidden state and the draft chain agree with the golden vectors") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  const std::string isa = GENERATE("baseline", "");
  F32Runner runner(load_model(name), *kernels::select_kernels(isa));
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name, runner.isa());
    const auto cache = runner.new_cache();
    const LogitsRow primary = prefill(runner, *cache, golden.prompt);
    const std::size_t row = (golden.prompt.size() - 1) % runner.max_batch();
    CHECK(relative_distance(golden.hidden_last, runner.hidden(row).data()) < kTolerance);
    CHECK(relative_distance(golden.head_logits_last[0], primary.data()) < kTolerance);

    std::uint8_t previous = argmax(primary);
    CHECK(previous == golden.draft[0]);
    runner.begin_draft(row, *cache);
    for (std::size_t i = 1; i < golden.draft.size(); ++i) {
      const LogitsRow drafted = runner.next_draft(previous);
      // With a cell only the last row of the chain is recorded; without one the heads' own rows are the chain.
      if (runner.config().cell_dim == 0) CHECK(relative_distance(golden.head_logits_last[i], drafted.data()) < kTolerance);
      if (i + 1 == golden.draft.size()) CHECK(relative_distance(golden.draft_logits_last, drafted.data()) < kTolerance);
      previous = argmax(drafted);
      CHECK(previous == golden.draft[i]);
    }
  }
}

TEST_CASE("greedy continuations with draft and verification come out byte for byte, step for step") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  F32Runner runner(load_model(name), *kernels::select_kernels(""));
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name);
    REQUIRE(*std::min_element(golden.margins.begin(), golden.margins.end()) > 1e-3);
    const auto cache = runner.new_cache();
    std::uint8_t own = argmax(prefill(runner, *cache, golden.prompt));
    std::size_t row = (golden.prompt.size() - 1) % runner.max_batch();
    std::vector<std::uint8_t> text;
    std::vector<std::size_t> gains;
    while (text.size() < golden.continuation.size() && (text.empty() || text.back() != kEnd)) {
      const auto draft = propose(runner, *cache, row, own);
      const auto rows = runner.forward(draft, *cache, Rows::kAll);
      std::size_t kept = 1;
      while (kept < draft.size() && draft[kept - 1] != kEnd && draft[kept] == argmax(rows[kept - 1])) ++kept;
      text.insert(text.end(), draft.begin(), draft.begin() + static_cast<std::ptrdiff_t>(kept));
      gains.push_back(kept);
      row = kept - 1;
      own = argmax(rows[row]);
      cache->truncate(golden.prompt.size() + text.size());
    }
    CHECK(text == golden.continuation);
    CHECK(gains == golden.gains);
  }
}

TEST_CASE("bits per byte of the golden prompts agree") {
  F32Runner runner(load_model("seed"), *kernels::select_kernels(""));
  for (const GoldenCase& golden : load_golden("seed")) {
    CAPTURE(golden.name);
    CHECK(bits_per_byte(runner, golden.prompt) == Approx(golden.bits_per_byte).epsilon(1e-4));
  }
}

}  // namespace octet::tests

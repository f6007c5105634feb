// The promise of drafting on the shipped weights and real code: at 1,000 random cursors the text is that of plain greedy
// decoding, whether the heads draft, chance drafts, or every draft is wrong.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/decode/head_drafter.h"
#include "engine/model/f32_runner.h"
#include "tests/support/drafters.h"
#include "tests/support/golden.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::Completer;
using engine::CompletionRequest;

// Enough of a document around a cursor for a real completion; a shorter prompt lets more cursors into the time.
constexpr std::size_t kTextBefore = 180;
constexpr std::size_t kTextBehind = 60;

CompletionRequest short_request(const std::vector<std::filesystem::path>& files, std::mt19937& random) {
  CompletionRequest request = random_request(files, random, kTextBefore, kTextBehind);
  request.limits.max_bytes = 32;
  request.raw = random() % 2 == 0;
  return request;
}

/// Lets one completer, and so one cache, serve several drafters in turn.
class SwitchedDrafter final : public engine::Drafter {
 public:
  engine::Drafter* current = nullptr;
  void propose(const engine::DraftPoint& point, std::size_t max_bytes, engine::Draft& draft) override {
    current->propose(point, max_bytes, draft);
  }
};

void compare_at(std::uint32_t seed, int n_cursors) {
  const auto files = source_files();
  REQUIRE(files.size() >= 20);
  std::mt19937 random(seed);
  auto runner = std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels(""));
  engine::HeadDrafter heads(*runner, {});
  RandomDrafter chance(seed);
  OracleDrafter wrong(OracleDrafter::Habit::kAlwaysWrong, 3);
  auto switched = std::make_unique<SwitchedDrafter>();
  SwitchedDrafter& drafter = *switched;
  Completer completer(std::move(runner), {}, std::move(switched));

  std::size_t steps = 0;
  std::size_t accepted = 0;
  for (int i = 0; i < n_cursors; ++i) {
    CompletionRequest request = short_request(files, random);
    request.use_draft = false;
    const auto plain = completer.complete(request, {}, {});
    request.use_draft = true;
    wrong.expect(plain.text, plain.counts.prompt_bytes);
    for (engine::Drafter* candidate :
         {static_cast<engine::Drafter*>(&heads), static_cast<engine::Drafter*>(&chance), static_cast<engine::Drafter*>(&wrong)}) {
      drafter.current = candidate;
      const auto drafted = completer.complete(request, {}, {});
      CAPTURE(i, request.document.path, request.cursor, request.raw, candidate == &heads, candidate == &wrong);
      REQUIRE(drafted.text == plain.text);
      REQUIRE(drafted.stop_reason == plain.stop_reason);
      if (candidate == &wrong) REQUIRE(drafted.counts.accepted == 0);
      if (candidate == &heads) {
        steps += drafted.counts.steps;
        accepted += drafted.counts.accepted;
      }
    }
  }
  // The heads must earn their place: on ordinary code they are right more than once a step.
  CHECK(static_cast<double>(accepted) / static_cast<double>(steps) > 1.0);
}

}  // namespace

TEST_CASE("plain text comes out at 500 random cursors whether the heads draft, chance drafts or every draft is wrong", "[long]") {
  compare_at(1, 500);
}

TEST_CASE("plain text comes out at another 500 random cursors, whoever drafts", "[long]") { compare_at(2, 500); }

}  // namespace octet::tests

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

/// The files as a workspace in two parts.
std::shared_ptr<const engine::WorkspaceSnapshot> workspace_of(const std::vector<std::filesystem::path>& files) {
  auto snapshot = std::make_shared<engine::WorkspaceSnapshot>();
  std::vector<engine::SegmentFile> texts;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    texts.push_back(
        {path.string(), std::make_shared<const std::string>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>())});
  }
  const auto half = static_cast<std::ptrdiff_t>(texts.size() / 2);
  for (const auto& part : {std::vector(texts.begin(), texts.begin() + half), std::vector(texts.begin() + half, texts.end())}) {
    snapshot->parts.push_back({std::make_shared<const engine::TextSegment>(part), std::vector<bool>(part.size())});
  }
  return snapshot;
}

enum class Memory { kOff, kOn };

void compare_at(std::uint32_t seed, int n_cursors, Memory memory) {
  const auto files = source_files();
  REQUIRE(files.size() >= 20);
  std::mt19937 random(seed);
  auto runner = std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels(""));
  engine::HeadDrafter heads(*runner, {});
  RandomDrafter chance(seed);
  OracleDrafter wrong(OracleDrafter::Habit::kAlwaysWrong, 3);
  auto switched = std::make_unique<SwitchedDrafter>();
  SwitchedDrafter& drafter = *switched;
  const auto mixer = engine::Mixer::read(source_dir() / "bytemodel/weights/mixer.safetensors");
  REQUIRE(mixer.has_value());
  Completer completer(std::move(runner), {}, std::move(switched), std::make_shared<const engine::Mixer>(*mixer));
  const auto workspace = memory == Memory::kOn ? workspace_of(files) : nullptr;

  std::size_t steps = 0;
  std::size_t accepted = 0;
  for (int i = 0; i < n_cursors; ++i) {
    CompletionRequest request = short_request(files, random);
    request.workspace = workspace;
    request.workspace_path = request.document.path;
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
  CHECK(static_cast<double>(accepted) / static_cast<double>(steps) > (memory == Memory::kOn ? 2.0 : 1.0));
}

}  // namespace

TEST_CASE("plain text comes out at 500 random cursors whether the heads draft, chance drafts or every draft is wrong", "[long]") {
  compare_at(1, 500, Memory::kOff);
}

TEST_CASE("plain text comes out at another 500 random cursors, whoever drafts", "[long]") { compare_at(2, 500, Memory::kOff); }

TEST_CASE("with the memory of a workspace plain text comes out at 500 random cursors, whoever drafts", "[long]") {
  compare_at(3, 500, Memory::kOn);
}

TEST_CASE("with memory plain text comes out at another 500 random cursors, whoever drafts", "[long]") { compare_at(4, 500, Memory::kOn); }

}  // namespace octet::tests

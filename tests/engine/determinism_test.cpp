// R12 of the reliability list, in short (`./dev determinism` is the long form): the text of plain greedy decoding comes out whoever drafts,
// however long drafts are, with any number of threads, any instruction set, from a warm cache or a cold one, alone or in a batch.
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/context/prompt_builder.h"
#include "engine/decode/decode_loop.h"
#include "engine/decode/head_drafter.h"
#include "engine/model/int8_runner.h"
#include "tests/support/drafters.h"
#include "tests/support/golden.h"
#include "tests/support/sources.h"

namespace octet::tests {
namespace {

using engine::Completer;
using engine::CompletionRequest;
using engine::StepCosts;

constexpr std::size_t kBytes = 200;

/// One way to decode.
struct Way {
  std::string name;
  std::unique_ptr<Completer> completer;
  OracleDrafter* oracle = nullptr;  // to be told the truth
};

std::unique_ptr<engine::ModelRunner> runner(const kernels::int8::Kernels& kernels, unsigned n_threads) {
  return std::make_unique<engine::Int8Runner>(load_model("default"), kernels, n_threads);
}

Way by_heads(const kernels::int8::Kernels& kernels, unsigned n_threads, StepCosts costs) {
  return {std::string(kernels.isa) + ", " + std::to_string(n_threads) + " threads, heads",
          std::make_unique<Completer>(runner(kernels, n_threads), std::move(costs)), nullptr};
}

Way by_oracle(OracleDrafter::Habit habit, unsigned n, unsigned n_threads) {
  auto drafter = std::make_unique<OracleDrafter>(habit, n);
  OracleDrafter* oracle = drafter.get();
  return {std::string(habit == OracleDrafter::Habit::kAlwaysRight ? "right" : "wrong") + " by " + std::to_string(n),
          std::make_unique<Completer>(runner(*kernels::int8::select(""), n_threads), StepCosts(), std::move(drafter)), oracle};
}

}  // namespace

TEST_CASE("every way of decoding gives the same 200 bytes", "[long]") {
  const char* long_form = std::getenv("OCTET_DETERMINISM_PROMPTS");
  const bool is_long = long_form != nullptr;
  const int n_prompts = is_long ? std::max(1, std::atoi(long_form)) : 200;
  // In short each prompt goes through a tenth of the ways, each way through 20 prompts.
  const std::size_t share = is_long ? 1 : 10;
  const auto& best = *kernels::int8::select("");
  Completer plain(runner(best, 1));
  std::vector<Way> ways;
  for (const auto* kernels : kernels::int8::supported()) {
    for (const unsigned n_threads : {1U, 2U, 3U, 4U}) {
      if (kernels->isa == std::string("baseline") && n_threads != 2) continue;  // plain C++ takes ten times as long
      // Free verification drafts as far as it can; dear verification hardly ever; the last is what an ordinary processor has.
      for (const auto& costs : {StepCosts(), StepCosts({1, 1.9, 2.8, 3.7}, 0.05), StepCosts({1, 1.05, 1.3, 1.5, 2, 2.4, 2.7, 3}, 0.1)}) {
        ways.push_back(by_heads(*kernels, n_threads, costs));
      }
    }
  }
  for (unsigned n = 1; n <= 7; ++n) {
    ways.push_back(by_oracle(OracleDrafter::Habit::kAlwaysRight, n, n % 3 + 1));
    ways.push_back(by_oracle(OracleDrafter::Habit::kAlwaysWrong, n, n % 2 + 1));
  }
  ways.push_back({"chance", std::make_unique<Completer>(runner(best, 2), StepCosts(), std::make_unique<RandomDrafter>(1)), nullptr});

  const auto files = source_files();
  std::mt19937 random(1);
  std::size_t n_bytes = 0;
  std::size_t n_compared = 0;
  for (int i = 0; i < n_prompts; ++i) {
    CompletionRequest request = random_request(files, random, 180, 60);
    request.limits.max_bytes = kBytes;
    request.raw = true;
    request.use_draft = false;
    const auto expected = plain.complete(request, {}, {});
    n_bytes += expected.text.size();
    request.use_draft = true;
    for (std::size_t way_idx = static_cast<std::size_t>(i) % share; way_idx < ways.size(); way_idx += share) {
      Way& way = ways[way_idx];
      if (way.oracle != nullptr) way.oracle->expect(expected.text, expected.counts.prompt_bytes);
      CAPTURE(i, way.name, request.document.path, request.cursor);
      for (int round = 0; round < 2; ++round) {  // cold, then with the prompt in the cache
        const auto found = way.completer->complete(request, {}, {});
        REQUIRE(found.text == expected.text);
        REQUIRE(found.stop_reason == expected.stop_reason);
        ++n_compared;
      }
    }
  }
  CHECK(n_bytes > static_cast<std::size_t>(100 * n_prompts));
  CHECK(n_compared >= 2 * static_cast<std::size_t>(n_prompts) * (ways.size() / share));
}

TEST_CASE("an alternative is what the model writes behind its first byte") {
  const auto files = source_files();
  std::mt19937 random(4);
  Completer completer(runner(*kernels::int8::select(""), 2));
  Completer other(runner(*kernels::int8::select(""), 1));
  std::size_t n_compared = 0;
  for (int i = 0; i < 10; ++i) {
    CompletionRequest request = random_request(files, random, 180, 60);
    request.limits.max_bytes = 30;
    request.raw = true;
    request.alternatives = 4;
    for (const std::string& alternative : completer.complete(request, {}, {}).alternatives) {
      if (alternative.size() != 30 || static_cast<unsigned char>(alternative[0]) >= 0x80) continue;
      CompletionRequest behind = request;
      std::string text = *request.document.text;
      text.insert(request.cursor, 1, alternative[0]);
      behind.document.text = std::make_shared<const std::string>(text);
      ++behind.cursor;
      behind.limits.max_bytes = 29;
      behind.alternatives = 1;
      behind.use_draft = false;
      CAPTURE(i, request.document.path, request.cursor);
      REQUIRE(alternative.substr(1) == other.complete(behind, {}, {}).text);
      ++n_compared;
    }
  }
  CHECK(n_compared > 5);
}

TEST_CASE("sequences in a batch are drafted for as each of them is alone") {
  const auto files = source_files();
  std::mt19937 random(5);
  const auto model = runner(*kernels::int8::select(""), 2);
  const std::function<void(std::string_view)> nowhere = [](std::string_view) {};
  const engine::Interrupt no_interrupt;
  engine::HeadDrafter heads(*model, StepCosts());

  std::vector<std::vector<std::uint8_t>> prompts;
  for (int i = 0; i < 4; ++i) {
    const auto request = random_request(files, random, 180, 60);
    prompts.push_back(engine::build_prompt(request.document, request.cursor, 400));
  }
  const auto decode = [&](std::span<const std::vector<std::uint8_t>> group) {
    std::vector<std::unique_ptr<engine::Session>> sessions;
    std::vector<engine::ModelRunner::Piece> last;
    for (const auto& prompt : group) {
      auto& session = *sessions.emplace_back(std::make_unique<engine::Session>(*model));
      session.prefill(prompt, no_interrupt);
      session.cache().truncate(prompt.size() - 1);
      last.push_back({std::span(prompt).last(1), &session.cache()});
    }
    const auto rows = model->forward(last, engine::ModelRunner::Rows::kAll);
    const engine::TextRules no_rules;
    engine::NetChooser chooser;
    std::vector<engine::DecodeTask> tasks;
    for (std::size_t i = 0; i < group.size(); ++i) {
      tasks.push_back({sessions[i]->cache(), i, *engine::choose(rows[i], engine::Utf8State().allowed()), chooser, heads, no_rules, 60,
                       false, no_interrupt, nowhere});
    }
    return engine::decode_batch(*model, tasks);
  };
  const auto together = decode(prompts);
  std::size_t n_together = 0;
  std::size_t n_alone = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto alone = decode(std::span(prompts).subspan(i, 1))[0];
    CAPTURE(i);
    CHECK(together[i].text == alone.text);
    CHECK(together[i].stop_reason == alone.stop_reason);
    CHECK(together[i].confidence == alone.confidence);
    n_together += together[i].accepted;
    n_alone += alone.accepted;
  }
  // Proposals that nothing will come of are dropped at slightly other places.
  CHECK(static_cast<double>(n_together) > 0.9 * static_cast<double>(n_alone));
}

TEST_CASE("alternatives are what each of them is alone") {
  const auto files = source_files();
  std::mt19937 random(3);
  Completer together(runner(*kernels::int8::select(""), 2));
  Completer alone(runner(*kernels::int8::select(""), 1));
  for (int i = 0; i < 20; ++i) {
    CompletionRequest request = random_request(files, random, 180, 60);
    request.limits.max_bytes = 40;
    const auto first = alone.complete(request, {}, {});
    for (const std::size_t n : {2U, 3U, 5U}) {
      request.alternatives = n;
      const auto several = together.complete(request, {}, {});
      CAPTURE(i, n, request.document.path, request.cursor);
      REQUIRE(several.text == first.text);
      REQUIRE(several.alternatives.size() < n);
      request.use_draft = false;
      REQUIRE(alone.complete(request, {}, {}).alternatives == several.alternatives);
      request.use_draft = true;
    }
    request.alternatives = 1;
  }
}

}  // namespace octet::tests

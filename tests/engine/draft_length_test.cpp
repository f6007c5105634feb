// The length of a draft against a search over all lengths, and the estimate that it rests on.
#include "engine/decode/draft_length.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <utility>

#include <catch2/catch.hpp>

#include "engine/decode/head_drafter.h"

namespace octet::tests {
namespace {

using engine::AcceptanceEstimate;
using engine::DraftLength;
using engine::StepCosts;

/// A model whose draft heads say 'a' with these probabilities.
class HesitantRunner final : public engine::ModelRunner {
 public:
  explicit HesitantRunner(std::vector<float> probabilities) : probabilities_(std::move(probabilities)) {
    config_.n_predict = static_cast<int>(probabilities_.size()) + 1;
    config_.max_context = 64;
  }
  const bytemodel::ModelConfig& config() const override { return config_; }
  const char* device() const override { return "test"; }
  const char* isa() const override { return "none"; }
  std::unique_ptr<engine::KvCache> new_cache() const override { return std::make_unique<Cache>(); }
  void copy_cache(const engine::KvCache&, engine::KvCache&) const override {}
  std::size_t max_batch() const override { return 16; }
  engine::LogitsRows forward(std::span<const Piece>, Rows) override { return {row_.data(), 1}; }
  void begin_draft(std::size_t, const engine::KvCache&) override { n_drafted_ = 0; }
  engine::LogitsRow next_draft(std::uint8_t) override {
    // Of the bytes that may begin a character 'a' has the probability asked for, 'b' the rest.
    const float p = probabilities_[n_drafted_++];
    std::fill(row_.begin(), row_.end(), -80.0F);
    row_['a'] = std::log(p);
    row_['b'] = std::log(1 - p);
    return engine::LogitsRow(row_.data(), engine::kVocabulary);
  }
  std::size_t n_drafted() const { return n_drafted_; }

 private:
  struct Cache final : engine::KvCache {
    Cache() : KvCache(64) {}
  };
  std::vector<float> probabilities_;
  std::vector<float> row_ = std::vector<float>(engine::kVocabulary);
  bytemodel::ModelConfig config_;
  std::size_t n_drafted_ = 0;
};

StepCosts random_costs(std::mt19937& random) {
  std::vector<double> verify_ms;
  double ms = 1;
  for (int m = 0; m < 16; ++m) {
    verify_ms.push_back(ms);
    ms += static_cast<double>(random() % 1000) / 1000 * (random() % 3 == 0 ? 0.0 : 1.0);
  }
  return {std::move(verify_ms), static_cast<double>(random() % 100) / 500};
}

/// Bytes expected for each millisecond if `n` of `acceptances` are verified by each of n_sequences.
double rate(const StepCosts& costs, const std::vector<double>& acceptances, std::size_t n, std::size_t n_sequences) {
  double expected = 1;
  double reaching = 1;
  for (std::size_t i = 0; i < n; ++i) expected += reaching *= acceptances[i];
  const auto sequences = static_cast<double>(n_sequences);
  return expected / (costs.verify_ms(n_sequences * (1 + n)) / sequences + static_cast<double>(n) * costs.draft_ms());
}

}  // namespace

TEST_CASE("no other length promises more bytes a millisecond") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 3000; ++trial) {
    const StepCosts costs = random_costs(random);
    const std::size_t max_bytes = random() % 12;
    const std::size_t n_sequences = 1 + random() % 4;
    std::vector<double> acceptances(max_bytes);
    for (auto& acceptance : acceptances) acceptance = static_cast<double>(random() % 1001) / 1000;
    if (trial % 3 == 0) std::fill(acceptances.begin(), acceptances.end(), 0.97);

    DraftLength length(costs, n_sequences, max_bytes);
    std::size_t n = 0;
    while (length.wants_more(costs.draft_ms())) {
      REQUIRE(n < max_bytes);
      length.add(acceptances[n++], costs.draft_ms());
    }
    double best = 0;
    for (std::size_t i = 0; i <= max_bytes; ++i) best = std::max(best, rate(costs, acceptances, i, n_sequences));
    CAPTURE(trial, n, length.best());
    REQUIRE(length.best() <= n);
    // Where it stopped early, even certain proposals would not have helped; so it lost nothing against knowing all.
    REQUIRE(rate(costs, acceptances, length.best(), n_sequences) == Approx(best).epsilon(1e-12));
  }
}

TEST_CASE("verification that costs nothing takes drafts as long as they can be") {
  const StepCosts costs;
  DraftLength length(costs, 1, 7);
  std::size_t n = 0;
  for (; length.wants_more(costs.draft_ms()); ++n) length.add(0.5, costs.draft_ms());
  CHECK(n == 7);
  CHECK(length.best() == 7);
}

TEST_CASE("verification in proportion to the positions takes no draft that may fail, and none is made") {
  const StepCosts costs({1, 2, 3, 4}, 0.1);
  const DraftLength length(costs, 1, 7);
  CHECK_FALSE(length.wants_more(costs.draft_ms()));
  CHECK(length.best() == 0);
}

TEST_CASE("the head drafter proposes what is worth verifying, and stops asking when nothing more can be") {
  HesitantRunner runner({0.99F, 0.55F, 0.99F, 0.99F});
  const auto cache = runner.new_cache();
  engine::Draft draft;
  engine::NetChooser chooser;
  const auto propose = [&](engine::HeadDrafter& drafter) { drafter.propose({*cache, 0, 'x', {}, chooser}, 16, draft); };

  engine::HeadDrafter dear(runner, StepCosts({1, 1.2, 1.75, 2.4, 3}, 0));
  propose(dear);
  CHECK(draft.bytes == std::vector<std::uint8_t>{'a'});
  REQUIRE(draft.probabilities.size() == 1);
  CHECK(draft.probabilities[0] == Approx(0.99F));
  CHECK(runner.n_drafted() == 2);  // the second was asked for, and dropped

  engine::HeadDrafter cheap(runner, StepCosts({1, 1.01, 1.02, 1.03, 1.04}, 0));
  propose(cheap);
  CHECK(draft.bytes.size() == 4);

  engine::HeadDrafter linear(runner, StepCosts({1, 2, 3, 4, 5}, 0.1));
  propose(linear);
  CHECK(draft.bytes.empty());

  // After being wrong often enough the same proposal is not made any more.
  for (int i = 0; i < 100; ++i) {
    propose(dear);
    dear.observe(draft, 0);
  }
  CHECK(draft.bytes.empty());
}

TEST_CASE("costs go on beyond what was measured as they went last") {
  const StepCosts costs({1, 1.5, 2.5}, 0.1);
  CHECK(costs.verify_ms(1) == 1);
  CHECK(costs.verify_ms(3) == 2.5);
  CHECK(costs.verify_ms(5) == Approx(4.5));
  CHECK(costs.positions_within(2.5, 64) == 3);
  CHECK(costs.positions_within(4.6, 64) == 5);
  CHECK(costs.positions_within(1000, 64) == 64);
  CHECK(costs.positions_within(0.5, 64) == 1);

  // Of a prompt: the largest chunk that is timed and quick enough, else as steps go.
  const StepCosts with_chunks({1, 2, 3}, 0, {{64, 8}, {512, 20}});
  CHECK(with_chunks.chunk_within(30, 64) == 512);
  CHECK(with_chunks.chunk_within(19, 64) == 64);
  CHECK(with_chunks.chunk_within(7.5, 64) == 7);
  CHECK(costs.chunk_within(2.5, 64) == 3);
}

TEST_CASE("the estimate begins with the probability and ends with what happened") {
  AcceptanceEstimate estimate;
  CHECK(estimate.estimate(0, 0.9F) == Approx(0.9));
  std::mt19937 random(2);
  for (int i = 0; i < 4000; ++i) estimate.record(0, 0.9F, random() % 10 < 3);
  CHECK(estimate.estimate(0, 0.9F) == Approx(0.3).margin(0.12));
  CHECK(estimate.estimate(1, 0.9F) == Approx(0.9));  // another head
  CHECK(estimate.estimate(0, 0.1F) == Approx(0.1));  // another probability
  for (int i = 0; i < 600; ++i) estimate.record(0, 0.9F, true);
  CHECK(estimate.estimate(0, 0.9F) > 0.9);  // the old is forgotten
}

}  // namespace octet::tests

// How often the draft heads are right, and how many bytes a step yields.
#pragma once

#include <array>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "engine/decode/drafter.h"
#include "engine/decode/head_drafter.h"
#include "engine/decode/step_costs.h"
#include "engine/model/model_runner.h"

namespace octet::benchmarks {

/// Sums over steps.
class HeadTally {
 public:
  /// The first `n_accepted` bytes of a draft turned out right.
  void add(const engine::Draft& draft, std::size_t n_accepted);
  HeadTally& operator+=(const HeadTally& other);

  std::size_t n_steps() const { return n_steps_; }
  double bytes_per_step() const;

  /// {"steps", "bytes_per_step", "bytes_of_step": [steps that yielded 1, 2, ... bytes], "heads": [{"head", "judged", "right"}], "guesses":
  /// the same of the memory's}. A proposal is judged where all before it in the step are right; head i proposes byte i of the step.
  nlohmann::json json() const;

 private:
  static constexpr std::size_t kPlaces = 32;  // later ones count as the last
  struct Judged {
    std::size_t n = 0;
    std::size_t n_right = 0;
  };
  std::size_t n_steps_ = 0;
  std::size_t n_bytes_ = 0;
  std::array<std::size_t, kPlaces> bytes_of_step_{};
  std::array<Judged, kPlaces> heads_{};
  std::array<Judged, kPlaces> guesses_{};
};

/// The engine's own drafter, watched.
class WatchedDrafter final : public engine::Drafter {
 public:
  enum class Length {
    kPaying,   // as this machine's costs have it: what users get
    kLongest,  // all heads at every step, the same on every machine
  };

  WatchedDrafter(engine::ModelRunner& runner, engine::StepCosts costs) : paying_(runner, std::move(costs)), longest_(runner, {}) {}

  /// Steps from now on are added to `tally`, which outlives them.
  void watch(Length length, HeadTally& tally) {
    length_ = length;
    tally_ = &tally;
  }

  void propose(const engine::DraftPoint& point, std::size_t max_bytes, engine::Draft& draft) override {
    current().propose(point, max_bytes, draft);
  }
  void observe(const engine::Draft& draft, std::size_t n_accepted) override {
    current().observe(draft, n_accepted);
    if (tally_ != nullptr) tally_->add(draft, n_accepted);
  }

 private:
  engine::HeadDrafter& current() { return length_ == Length::kPaying ? paying_ : longest_; }

  engine::HeadDrafter paying_;
  engine::HeadDrafter longest_;
  Length length_ = Length::kPaying;
  HeadTally* tally_ = nullptr;
};

}  // namespace octet::benchmarks

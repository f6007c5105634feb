// How many bytes to draft: the expected number of accepted bytes against the time that a step takes.
//
// Verifying more positions takes longer, on a model that lives in a cache almost in proportion; a draft pays only as far as it is
// likely to be right. Source: the choice of a draft's length by expected gain over cost is that of speculative decoding
// (Leviathan et al. 2023, section 3.5), here with the drafts' own probabilities.
#pragma once

#include <array>
#include <cstddef>

#include "engine/decode/step_costs.h"

namespace octet::engine {

/// How often a head's proposals of some probability have been accepted, those before it being accepted too. Starts with what the
/// probabilities say. One thread.
class AcceptanceEstimate {
 public:
  /// For the proposal `place` behind the certain byte (0 = head 2).
  double estimate(std::size_t place, float probability) const;
  void record(std::size_t place, float probability, bool accepted);

 private:
  static constexpr std::size_t kPlaces = 16;  // later ones count as the last
  static constexpr std::size_t kBuckets = 10;
  struct Count {
    double accepted = 0;
    double proposed = 0;
  };
  static std::size_t bucket(float probability);
  std::array<std::array<Count, kBuckets>, kPlaces> counts_{};
};

/// The choice for one step, made while the draft grows.
class DraftLength {
 public:
  /// n_sequences decode as one batch: a position more means that many rows more.
  DraftLength(const StepCosts& costs, std::size_t n_sequences, std::size_t max_bytes);

  /// Whether more proposals could raise the bytes expected per millisecond, if all of them were right and the next one took so long to
  /// make.
  bool wants_more(double next_draft_ms) const;
  /// The next proposal was made in so many milliseconds, and is accepted with this probability where all before it are.
  void add(double acceptance, double draft_ms);
  /// How many of the proposals are worth verifying.
  std::size_t best() const { return best_; }

 private:
  double cost(std::size_t n_drafted, double next_draft_ms = 0) const;

  const StepCosts& costs_;
  std::size_t n_sequences_;
  std::size_t max_bytes_;
  std::size_t n_drafted_ = 0;
  std::size_t best_ = 0;
  double draft_ms_ = 0;  // of the proposals so far
  double reaching_ = 1;  // probability that all so far are accepted
  double expected_ = 1;  // bytes of the step
  double best_rate_;
};

}  // namespace octet::engine

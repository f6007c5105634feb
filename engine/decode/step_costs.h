// What steps of a runner take on this machine: for the length of drafts and of prefill chunks.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "bytemodel/check.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

/// Milliseconds of a verify step by the number of its positions, of a proposal, and of chunks of a prompt. A value.
class StepCosts {
 public:
  /// Verification that costs next to nothing: drafts are as long as they can be.
  StepCosts() : StepCosts({1.0, 1.001}, 0.001) {}
  struct Chunk {
    std::size_t n_positions;
    double ms;
  };
  /// verify_ms[m - 1] of m positions; beyond the last as the last two go on. `chunks` in ascending order. CHECKs that there is a step.
  StepCosts(std::vector<double> verify_ms, double draft_ms, std::vector<Chunk> chunks = {})
      : verify_ms_(std::move(verify_ms)), draft_ms_(draft_ms), chunks_(std::move(chunks)) {
    OCTET_CHECK(!verify_ms_.empty());
  }

  double verify_ms(std::size_t n_positions) const;
  double draft_ms() const { return draft_ms_; }

  /// The most positions, up to `most` and at least 1, that take no longer than `ms`.
  std::size_t positions_within(double ms, std::size_t most) const;
  /// Positions of a prompt to compute at once: of the largest chunk that takes no longer than `ms`; where none does, of a step up to
  /// `most`.
  std::size_t chunk_within(double ms, std::size_t most) const;

 private:
  std::vector<double> verify_ms_;
  double draft_ms_;
  std::vector<Chunk> chunks_;
};

/// Times `runner` on a sequence of its own, a few tens of milliseconds.
StepCosts measure_step_costs(ModelRunner& runner);

}  // namespace octet::engine

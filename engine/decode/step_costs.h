// What steps of a runner take on this machine: for the length of drafts and of prefill chunks.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "bytemodel/check.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

/// Milliseconds of a verify step by the number of its positions, and of a proposal. A value.
class StepCosts {
 public:
  /// Verification that costs next to nothing: drafts are as long as they can be.
  StepCosts() : StepCosts({1.0, 1.001}, 0.001) {}
  /// verify_ms[m - 1] of m positions; beyond the last as the last two go on. CHECKs that there is one.
  StepCosts(std::vector<double> verify_ms, double draft_ms) : verify_ms_(std::move(verify_ms)), draft_ms_(draft_ms) {
    OCTET_CHECK(!verify_ms_.empty());
  }

  double verify_ms(std::size_t n_positions) const;
  double draft_ms() const { return draft_ms_; }

  /// The most positions, up to `most` and at least 1, that take no longer than `ms`.
  std::size_t positions_within(double ms, std::size_t most) const;

 private:
  std::vector<double> verify_ms_;
  double draft_ms_;
};

/// Times `runner` on a sequence of its own, a few tens of milliseconds.
StepCosts measure_step_costs(ModelRunner& runner);

}  // namespace octet::engine

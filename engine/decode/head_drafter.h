// Proposals from the model's own extra heads (and its draft cell, where it has one).
// Source: Gloeckle et al. 2024 (heads, self-speculation); the chain is FORMAT.md, "Drafting".
#pragma once

#include <utility>

#include "engine/decode/draft_length.h"
#include "engine/decode/drafter.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

class HeadDrafter final : public Drafter {
 public:
  HeadDrafter(ModelRunner& runner, StepCosts costs) : runner_(runner), costs_(std::move(costs)) {}

  /// One byte from each of heads 2, 3, ... under the same UTF-8 mask that verification uses, as long as it pays; ends at kEnd.
  void propose(const DraftPoint& point, std::size_t max_bytes, Draft& draft) override;
  void observe(const Draft& draft, std::size_t n_accepted) override;

 private:
  ModelRunner& runner_;
  StepCosts costs_;
  AcceptanceEstimate acceptance_;
};

}  // namespace octet::engine

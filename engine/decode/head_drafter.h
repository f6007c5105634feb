// Proposals from the model's own extra heads (and its draft cell, where it has one), and from what the chooser knows without them.
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

  /// The longest draft, where memory goes on alone.
  static constexpr std::size_t kMaxDraft = 32;

  /// Byte by byte, as long as it pays: the chooser's guess where that is all but certain, or where no head reaches; else the chooser's
  /// choice from the row of head 2, 3, ... as it will choose from the primary head's. Under the same UTF-8 mask; ends at kEnd.
  void propose(const DraftPoint& point, std::size_t max_bytes, Draft& draft) override;
  void observe(const Draft& draft, std::size_t n_accepted) override;

 private:
  ModelRunner& runner_;
  StepCosts costs_;
  AcceptanceEstimate of_heads_;
  AcceptanceEstimate of_guesses_;
};

}  // namespace octet::engine

// Proposals from the model's own extra heads (and its draft cell, where it has one).
// Source: Gloeckle et al. 2024 (heads, self-speculation); the chain is FORMAT.md, "Drafting".
#pragma once

#include "engine/decode/drafter.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

class HeadDrafter final : public Drafter {
 public:
  explicit HeadDrafter(ModelRunner& runner) : runner_(runner) {}

  /// One byte from each of heads 2 to n_predict, under the same UTF-8 mask that verification uses; ends at kEnd.
  void propose(const DraftPoint& point, std::size_t max_bytes, std::vector<std::uint8_t>& draft) override;

 private:
  ModelRunner& runner_;
};

}  // namespace octet::engine

// Greedy choice: the one place where a row of logits becomes a byte.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/decode/utf8_gate.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

struct Choice {
  std::uint8_t byte = 0;
  float probability = 0;  // among the allowed bytes
};

/// The allowed byte with the largest logit, the lowest on a tie; nothing when all allowed logits are NaN.
std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed);

/// The same byte without its probability, for proposals.
std::optional<std::uint8_t> choose_byte(LogitsRow row, const ByteMask& allowed);

}  // namespace octet::engine

// Greedy choice: the one place where a row of logits becomes a byte.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/decode/utf8_gate.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

/// Who a byte comes from.
enum class ByteSource : std::uint8_t {
  kNet,
  kMemory,  // the net alone had chosen another byte
  kBoth,
};

struct Choice {
  std::uint8_t byte = 0;
  float probability = 0;  // among the allowed bytes
  ByteSource source = ByteSource::kNet;
  const std::string* origin = nullptr;  // the file of the workspace that said it; as long as the request's snapshot lives
};

/// The allowed byte with the largest logit, the lowest on a tie; nothing when all allowed logits are NaN.
std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed);

/// Among the allowed bytes.
float probability_of(LogitsRow row, const ByteMask& allowed, std::uint8_t byte);

/// The same byte without its probability, for proposals.
std::optional<std::uint8_t> choose_byte(LogitsRow row, const ByteMask& allowed);

}  // namespace octet::engine

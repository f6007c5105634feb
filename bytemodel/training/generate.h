// Greedy self-speculation by the network alone, for scores: every step computes whole sequences again, where the engine
// would reuse its KV cache. Without the engine's UTF-8 mask and stop rules.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/training/network.h"

namespace octet::bytemodel::training {

struct Generated {
  std::string text;  // ends behind kEnd where that came
  int n_steps = 0;   // verify steps; text.size() / n_steps bytes were accepted a step
};

/// Continues each prompt by `n_bytes`, or to kEnd, with the draft cell where the network has one and `use_cell` says so.
/// Prompts are of equal length; prompt and continuation fit the network's context. The text is that of plain greedy decoding.
std::vector<Generated> generate(const Network& network, std::span<const std::string> prompts, int n_bytes, bool use_cell);

}  // namespace octet::bytemodel::training

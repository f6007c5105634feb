// The primary head's judgement over a draft.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/decode/sampler.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

struct Verdict {
  std::vector<Choice> accepted;  // the proposals that are the primary head's own choice, up to the first that is not
  std::optional<Choice> next;    // its choice for the place behind them; nothing when its logits are no numbers
};

/// rows[0] belongs to the byte before the draft, rows[i] to draft[i - 1]; `state` is where the text stands before the
/// draft. A kEnd that is accepted ends the run, and `next` repeats it.
Verdict verify(const LogitsRows& rows, std::span<const std::uint8_t> draft, Utf8State state);

}  // namespace octet::engine

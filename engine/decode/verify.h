// The primary head's judgement over a draft.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/decode/byte_chooser.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

struct Verdict {
  std::vector<Choice> accepted;  // the proposals that are the chooser's own choice from the primary head's row, up to the first that is not
  std::optional<Choice> next;    // its choice for the place behind them; nothing when its logits are no numbers
};

/// rows[0] belongs to the byte before the draft, rows[i] to draft[i - 1]; `state` is where the text stands before the
/// draft. `chooser` goes along with what is accepted. A kEnd that is accepted ends the run, and `next` repeats it.
Verdict verify(const LogitsRows& rows, std::span<const std::uint8_t> draft, Utf8State state, ByteChooser& chooser);

}  // namespace octet::engine

// Draft, verify, keep what agrees, emit; until a stop rule fires.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/completion.h"
#include "engine/decode/drafter.h"
#include "engine/decode/interrupt.h"
#include "engine/decode/sampler.h"
#include "engine/decode/text_rules.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

struct DecodeTask {
  KvCache& cache;        // holds the prompt
  std::size_t row;       // of the prompt's last byte in the runner's last forward()
  Choice first;          // the completion's first byte
  ByteChooser& chooser;  // of this sequence; has gone along to the prompt's last byte
  Drafter& drafter;
  const TextRules& rules;  // of this sequence; have read nothing yet
  std::size_t max_bytes;   // of what the model writes
  bool use_crlf;           // a line feed leaves as CR LF
  const Interrupt& interrupt;
  const std::function<void(std::string_view)>& on_text;  // what the rules let pass, whole characters
};

struct DecodeOutcome {
  std::string text;
  StopReason stop_reason = StopReason::kEnd;
  double confidence = 0;
  std::vector<SourceRun> sources;
  std::vector<float> probabilities;
  std::size_t steps = 0;
  std::size_t drafted = 0;
  std::size_t accepted = 0;
};

/// Runs each task until something stops it: a rule, kEnd, a budget, the context's end, its interrupt. One verify step serves all that
/// still run, so that a weight that was loaded is used by all of them; each has a cache of its own.
/// **The text does not depend on the drafter**, nor on the other tasks: each byte is the primary head's choice. Afterwards a cache
/// holds the prompt and a part of the completion. CHECKs 1 <= tasks.size() <= max_batch().
std::vector<DecodeOutcome> decode_batch(ModelRunner& runner, std::span<const DecodeTask> tasks);

}  // namespace octet::engine

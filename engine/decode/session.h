// The KV cache of one document and its reuse from request to request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "engine/decode/interrupt.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

/// One thread (the engine's). The runner outlives it.
class Session {
 public:
  /// `chunk`: how many positions prefill() computes between two looks at its interrupt.
  Session(ModelRunner& runner, std::size_t chunk) : runner_(runner), chunk_(chunk), cache_(runner.new_cache()) {}
  explicit Session(ModelRunner& runner) : Session(runner, runner.max_batch()) {}

  struct Prefilled {
    std::size_t n_reused = 0;
    std::size_t n_computed = 0;
    std::size_t last_row = 0;               // index in the runner's last forward() of the prompt's last byte
    std::optional<StopReason> interrupted;  // then the cache holds a part of the prompt, for the next request to use
  };

  /// Makes the cache hold exactly `prompt` (not empty, within the capacity), computing only what is behind the longest
  /// common prefix; at least the last byte, whose row the caller needs. Looks at `interrupt` before each chunk.
  Prefilled prefill(std::span<const std::uint8_t> prompt, const Interrupt& interrupt);

  /// The logits behind the prompt's last byte; valid until the runner's next call. After a whole prefill() only.
  LogitsRow last_logits() const { return *last_logits_; }

  KvCache& cache() { return *cache_; }

 private:
  ModelRunner& runner_;
  std::size_t chunk_;
  std::unique_ptr<KvCache> cache_;
  std::optional<LogitsRow> last_logits_;
};

}  // namespace octet::engine

// Whoever guesses the next bytes. A guess costs time when it is wrong and never changes the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/decode/byte_chooser.h"
#include "engine/decode/utf8_gate.h"
#include "engine/model/kv_cache.h"

namespace octet::engine {

/// Where the sequence stands: the cache ends with the byte whose row `row` of the runner's last forward() gave `own`.
struct DraftPoint {
  const KvCache& cache;
  std::size_t row;
  std::uint8_t own;  // the primary head's byte for the next place, already certain
  Utf8State after_own;
  ByteChooser& chooser;         // has gone along to `own`
  std::size_t n_sequences = 1;  // that decode as one batch
};

/// Bytes that may follow, and how sure the drafter is of each where all before it are right.
struct Draft {
  std::vector<std::uint8_t> bytes;
  std::vector<float> probabilities;  // as many as bytes, or none
  std::vector<bool> is_guess;        // as many as probabilities: from no head's row
};

class Drafter {
 public:
  virtual ~Drafter() = default;
  /// Bytes that may follow `own`, at most `max_bytes` of them, into `draft` (its old content is gone). May propose nothing.
  virtual void propose(const DraftPoint& point, std::size_t max_bytes, Draft& draft) = 0;
  /// The first n_accepted bytes of a draft turned out right, and the next, if there is one, wrong.
  virtual void observe(const Draft& /*draft*/, std::size_t /*n_accepted*/) {}
};

/// Plain greedy decoding.
class NoDrafter final : public Drafter {
 public:
  void propose(const DraftPoint&, std::size_t, Draft& draft) override { draft = {}; }
};

}  // namespace octet::engine

// Whoever guesses the next bytes. A guess costs time when it is wrong and never changes the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/decode/utf8_gate.h"
#include "engine/model/kv_cache.h"

namespace octet::engine {

/// Where the sequence stands: the cache ends with the byte whose row `row` of the runner's last forward() gave `own`.
struct DraftPoint {
  const KvCache& cache;
  std::size_t row;
  std::uint8_t own;  // the primary head's byte for the next place, already certain
  Utf8State after_own;
};

class Drafter {
 public:
  virtual ~Drafter() = default;
  /// Bytes that may follow `own`, at most `max_bytes` of them, into `draft` (its old content is gone). May propose nothing.
  virtual void propose(const DraftPoint& point, std::size_t max_bytes, std::vector<std::uint8_t>& draft) = 0;
};

/// Plain greedy decoding.
class NoDrafter final : public Drafter {
 public:
  void propose(const DraftPoint&, std::size_t, std::vector<std::uint8_t>& draft) override { draft.clear(); }
};

}  // namespace octet::engine

// The least time of a verify step on this machine: performance.md's sum over matrices, attention and barriers.
#pragma once

#include <cstddef>

#include "benchmarks/machine_limit.h"
#include "engine/model/int8_runner.h"

namespace octet::benchmarks {

class StepLimit {
 public:
  StepLimit(const engine::Int8Runner& runner, MachineLimit& machine);

  /// Seconds of a step of m positions behind `context` others: the matrices' max(bytes / bandwidth, products / peak), attention's
  /// max(bytes of keys and values / bandwidth, products / peak). Barriers come on top.
  double seconds(int m, std::size_t context) const;

  /// Products of a prefill of `n` positions in chunks, attention included: all that is computed, and no more. The last block does its
  /// keys and values for every position, the rest of it and the head for the last one of a chunk.
  double prefill_products(std::size_t n, std::size_t chunk) const;

 private:
  const engine::Int8Runner& runner_;
  double bandwidth_;
  double products_per_s_;
};

}  // namespace octet::benchmarks

// The least time of a verify step on this machine: performance.md's sum over matrices, attention and barriers.
#pragma once

#include <cstddef>
#include <vector>

#include "benchmarks/machine_limit.h"
#include "engine/model/int8_runner.h"

namespace octet::benchmarks {

class StepLimit {
 public:
  StepLimit(const engine::Int8Runner& runner, MachineLimit& machine);

  /// Seconds of a step of m positions behind `context` others: the matrices' max(bytes / bandwidth, products / peak), attention's
  /// max(bytes of keys and values / bandwidth, products / peak). Barriers come on top.
  double seconds(int m, std::size_t context) const;

  /// Products of a position, attention over `context` included.
  double products(std::size_t context) const;

 private:
  const engine::Int8Runner& runner_;
  double bandwidth_;
  double products_per_s_;
};

}  // namespace octet::benchmarks

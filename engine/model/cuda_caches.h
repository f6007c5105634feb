// The memory for keys and values on a GPU, and which sequences have it. Where there is no more a sequence gets that of the one that was
// used longest ago; what this one held is computed again, should it be wanted.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/model/cuda_steps.h"
#include "engine/model/kv_rings.h"

namespace octet::engine {

/// Thread: one at a time.
class CudaCaches {
 public:
  /// What a sequence has. It does not move, and is released in the end.
  struct Place {
    KvRings rings;                // which positions are there
    std::byte* memory = nullptr;  // where; nullptr: nothing is
  };

  /// `steps` outlives it and has the memory.
  explicit CudaCaches(CudaSteps& steps) : steps_(steps) {}

  /// Sees to it that `place` has memory, none of which belonged to the `kept` ones. False where there is none.
  bool provide(Place& place, std::span<const Place* const> kept);
  void release(Place& place);

 private:
  std::byte* take(std::span<const Place* const> kept);

  CudaSteps& steps_;
  std::vector<Place*> by_use_;     // all that have memory, the last used one last
  std::vector<std::byte*> spare_;  // nobody's
};

}  // namespace octet::engine

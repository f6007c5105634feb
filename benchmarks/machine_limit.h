// What this machine can do at best, measured in the same run as what is compared with it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "engine/model/thread_team.h"
#include "kernels/int8/int8_kernels.h"

namespace octet::benchmarks {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Seconds of one call of f, at the fastest of n_tries series of calls of at least `least_s` each. Other programs only ever make
/// a call slower.
template <class F>
double fastest(F f, int n_tries = 7, double least_s = 0.005) {
  double best = std::numeric_limits<double>::infinity();
  int n_calls = 1;
  for (int i = 0; i < n_tries; ++i) {
    while (true) {
      const auto start = Clock::now();
      for (int j = 0; j < n_calls; ++j) f();
      const double seconds = seconds_since(start);
      if (seconds < least_s) {
        n_calls *= 2;
        continue;
      }
      best = std::min(best, seconds / n_calls);
      break;
    }
  }
  return best;
}

/// Read bandwidth, exact products a second, and the cost of a barrier, of all members of a team together.
class MachineLimit {
 public:
  MachineLimit(const kernels::int8::Kernels& kernels, engine::ThreadTeam& team);

  /// Bytes a second of `size_bytes` that are read over and over, each member its share.
  double bandwidth(std::size_t size_bytes);
  double products_per_s() const { return products_per_s_; }
  double barrier_s() const { return barrier_s_; }

  /// Data caches of this processor by rising size, and a size beyond them: names and sizes that lie well inside each.
  struct Level {
    const char* name;
    std::size_t size_bytes;
  };
  static std::vector<Level> levels();

 private:
  const kernels::int8::Kernels& kernels_;
  engine::ThreadTeam& team_;
  double products_per_s_ = 0;
  double barrier_s_ = 0;
};

}  // namespace octet::benchmarks

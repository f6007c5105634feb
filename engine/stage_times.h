// Where the milliseconds of a request went.
#pragma once

#include <chrono>

namespace octet::engine {

/// Milliseconds. first_byte and total count from the moment the engine took the request up.
struct StageTimes {
  double context = 0;
  double syntax = 0;  // of the document's tree
  double prefill = 0;
  double decode = 0;
  double first_byte = 0;  // 0 when no text came out
  double total = 0;
};

class Stopwatch {
 public:
  double elapsed_ms() const { return std::chrono::duration<double, std::milli>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace octet::engine

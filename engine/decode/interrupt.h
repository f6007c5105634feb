// Everything that may end a request from outside.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>

#include "engine/completion.h"

namespace octet::engine {

/// How many steps end although a stop was asked for. One request's; the stop may be asked for on any thread.
class StopDelay {
 public:
  StopDelay(const std::stop_token& cancelled, const std::stop_token& superseded)
      : on_cancel_(cancelled, [this] { mark(); }), on_supersede_(superseded, [this] { mark(); }) {}
  StopDelay(const StopDelay&) = delete;
  StopDelay& operator=(const StopDelay&) = delete;

  void count_step() { ++n_steps_; }
  std::size_t steps_after_stop() const {
    const std::size_t n_before = n_before_stop_;
    return n_before == kNoStop ? 0 : n_steps_ - n_before;
  }

 private:
  static constexpr std::size_t kNoStop = static_cast<std::size_t>(-1);

  /// The first stop counts.
  void mark() {
    std::size_t none = kNoStop;
    n_before_stop_.compare_exchange_strong(none, n_steps_);
  }

  std::atomic<std::size_t> n_steps_ = 0;
  std::atomic<std::size_t> n_before_stop_ = kNoStop;
  std::stop_callback<std::function<void()>> on_cancel_;
  std::stop_callback<std::function<void()>> on_supersede_;
};

/// Looked at before every step and prefill chunk.
struct Interrupt {
  std::stop_token cancelled;
  std::stop_token superseded;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  StopDelay* delay = nullptr;  // hears of every step and prefill chunk that ended

  std::optional<StopReason> check() const {
    if (cancelled.stop_requested()) return StopReason::kCancelled;
    if (superseded.stop_requested()) return StopReason::kSuperseded;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return StopReason::kTimeBudget;
    return std::nullopt;
  }

  void count_step() const {
    if (delay != nullptr) delay->count_step();
  }
};

}  // namespace octet::engine

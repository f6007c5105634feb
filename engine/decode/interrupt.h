// Everything that may end a request from outside.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>

#include "engine/completion.h"

namespace octet::engine {

/// Looked at before every step and prefill chunk.
struct Interrupt {
  std::stop_token cancelled;
  std::stop_token superseded;
  std::optional<std::chrono::steady_clock::time_point> deadline;

  std::optional<StopReason> check() const {
    if (cancelled.stop_requested()) return StopReason::kCancelled;
    if (superseded.stop_requested()) return StopReason::kSuperseded;
    if (deadline && std::chrono::steady_clock::now() >= *deadline) return StopReason::kTimeBudget;
    return std::nullopt;
  }
};

}  // namespace octet::engine

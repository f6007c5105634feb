// The main thread, as the parts of the server see it.
#pragma once

#include <chrono>
#include <functional>

namespace octet::lsp {

/// A value, copied to whoever needs it. What is posted or due after the server is gone must not run.
struct EventLoop {
  using TimePoint = std::chrono::steady_clock::time_point;

  /// Runs a function on the main thread, soon. Any thread.
  std::function<void(std::function<void()>)> post;
  /// Runs a function on the main thread after that long. Main thread.
  std::function<void(std::chrono::milliseconds, std::function<void()>)> after;
  std::function<TimePoint()> now = [] { return std::chrono::steady_clock::now(); };
};

}  // namespace octet::lsp

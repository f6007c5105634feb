// A connection to one client.
#pragma once

#include <functional>
#include <string>

namespace octet::lsp {

/// Main thread only.
class Transport {
 public:
  struct Handlers {
    std::function<void(std::string body)> on_message;
    /// The peer closed its end, or broke the framing; nothing more will arrive.
    std::function<void()> on_disconnect;
  };

  virtual ~Transport() = default;
  virtual void start(Handlers handlers) = 0;
  /// Queues a message body; never waits.
  virtual void send(std::string body) = 0;
  /// Stops reading at once, and calls `done` when all that was queued is written, cannot be, or is not taken for seconds.
  virtual void close(std::function<void()> done) = 0;
};

}  // namespace octet::lsp

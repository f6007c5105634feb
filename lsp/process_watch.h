// Hears of the end of another process: the editor that started the server.
#pragma once

#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace octet::lsp {

/// Main thread only. Stops when it is destroyed.
class ProcessWatch {
 public:
  virtual ~ProcessWatch() = default;
};

/// Calls `on_end` once, from the event loop: at once when the process ends, or within two seconds where the system gives no handle of it;
/// soon where there is no such process.
std::unique_ptr<ProcessWatch> watch_process(boost::asio::io_context& context, int pid, std::function<void()> on_end);

}  // namespace octet::lsp

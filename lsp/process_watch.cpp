#include "lsp/process_watch.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace octet::lsp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kPollTime{2};

bool is_gone(int pid) { return ::kill(pid, 0) != 0 && errno == ESRCH; }

class Watch final : public ProcessWatch {
 public:
  Watch(asio::io_context& context, int pid, std::function<void()> on_end)
      : pid_(pid), on_end_(std::move(on_end)), handle_(context), poll_(context) {
    error_code failed;
    handle_.assign(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)), failed);
    if (failed) {
      poll(std::chrono::seconds(0));
    } else {
      wait();
    }
  }

 private:
  /// The handle becomes readable when the process ends, before anybody has asked for its exit code.
  void wait() {
    handle_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      if (!error) on_end_();
    });
  }

  void poll(std::chrono::seconds delay) {
    poll_.expires_after(delay);
    poll_.async_wait([this](const error_code& error) {
      if (error) return;
      if (is_gone(pid_)) return on_end_();
      poll(kPollTime);
    });
  }

  int pid_;
  std::function<void()> on_end_;
  asio::posix::stream_descriptor handle_;
  asio::steady_timer poll_;
};

}  // namespace

std::unique_ptr<ProcessWatch> watch_process(asio::io_context& context, int pid, std::function<void()> on_end) {
  return std::make_unique<Watch>(context, pid, std::move(on_end));
}

}  // namespace octet::lsp

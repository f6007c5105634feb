#include "lsp/stdio_transport.h"

#include <array>
#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "lsp/message_framer.h"

namespace octet::lsp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class StdioTransport final : public Transport {
 public:
  explicit StdioTransport(asio::io_context& context)
      : input_(context, ::dup(STDIN_FILENO)), output_(context, ::dup(STDOUT_FILENO)), patience_(context) {
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
  }

  void start(Handlers handlers) override {
    handlers_ = std::move(handlers);
    read();
  }

  void send(std::string body) override {
    if (is_broken_) return;
    queue_.push_back(fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body));
    if (queue_.size() == 1) write();
  }

  void close(std::function<void()> done) override {
    is_reading_ = false;
    error_code ignored;
    input_.cancel(ignored);
    on_written_ = std::move(done);
    if (queue_.empty()) return finish();
    // A client that has gone without reading must not keep the process alive.
    patience_.expires_after(kCloseTimeout);
    patience_.async_wait([this](const error_code& error) {
      if (!error) finish();
    });
  }

 private:
  void read() {
    input_.async_read_some(asio::buffer(chunk_), [this](const error_code& error, std::size_t n) {
      if (!is_reading_) return;
      if (error) return disconnect();
      framer_.feed({chunk_.data(), n});
      while (is_reading_) {
        auto body = framer_.next();
        if (!body) {
          spdlog::error("framing: {}; closing the connection", body.error().message);
          return disconnect();
        }
        if (!*body) return read();
        handlers_.on_message(std::move(**body));
      }
    });
  }

  void disconnect() {
    is_reading_ = false;
    if (!framer_.is_empty()) spdlog::warn("the stream ended inside a message");
    handlers_.on_disconnect();
  }

  void write() {
    asio::async_write(output_, asio::buffer(queue_.front()), [this](const error_code& error, std::size_t) {
      if (error) {
        spdlog::error("cannot write to the client: {}", error.message());
        is_broken_ = true;
        queue_.clear();
        if (is_reading_) disconnect();
      } else {
        queue_.pop_front();
        if (!queue_.empty()) return write();
      }
      finish();
    });
  }

  /// Tells the one who waits in close(), once.
  void finish() {
    if (on_written_) std::exchange(on_written_, nullptr)();
  }

  static constexpr std::chrono::seconds kCloseTimeout{2};

  asio::posix::stream_descriptor input_;
  asio::posix::stream_descriptor output_;
  asio::steady_timer patience_;
  Handlers handlers_;
  MessageFramer framer_;
  std::array<char, 64 * 1024> chunk_{};
  std::deque<std::string> queue_;
  std::function<void()> on_written_;
  bool is_reading_ = true;
  bool is_broken_ = false;
};

}  // namespace

std::unique_ptr<Transport> open_stdio_transport(asio::io_context& context) { return std::make_unique<StdioTransport>(context); }

}  // namespace octet::lsp

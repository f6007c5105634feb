#include "lsp/stream_transport.h"

#include <array>
#include <chrono>
#include <deque>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace octet::lsp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

class StreamTransport final : public Transport {
 public:
  StreamTransport(asio::io_context& context, MessageFramer framer)
      : input_(context), output_(context), patience_(context), framer_(std::move(framer)) {}

  Result<void> assign(engine::FileDescriptor input, engine::FileDescriptor output) {
    error_code error;
    input_.assign(input.get(), error);
    if (error) return fail(ErrorCode::kUnreadable, fmt::format("the client's input: {}", error.message()));
    input.release();
    output_.assign(output.get(), error);
    if (error) return fail(ErrorCode::kUnreadable, fmt::format("the client's output: {}", error.message()));
    output.release();
    return {};
  }

  void start(Handlers handlers) override {
    handlers_ = std::move(handlers);
    // Soon, not now: whoever starts a transport is not yet prepared for its first message.
    asio::post(input_.get_executor(), [this] { take_messages(); });
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
      take_messages();
    });
  }

  /// Hands over the messages that are whole, and reads on.
  void take_messages() {
    while (is_reading_) {
      auto body = framer_.next();
      if (!body) {
        spdlog::error("framing: {}; closing the connection", body.error().message);
        return disconnect();
      }
      if (!*body) return read();
      handlers_.on_message(std::move(**body));
    }
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

Result<std::unique_ptr<Transport>> open_stream_transport(asio::io_context& context, engine::FileDescriptor input,
                                                         engine::FileDescriptor output, MessageFramer framer) {
  auto transport = std::make_unique<StreamTransport>(context, std::move(framer));
  if (auto assigned = transport->assign(std::move(input), std::move(output)); !assigned) return tl::unexpected(assigned.error());
  return transport;
}

}  // namespace octet::lsp

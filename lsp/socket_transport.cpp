#include "lsp/socket_transport.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lsp/access_token.h"
#include "lsp/stream_transport.h"

namespace octet::lsp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using engine::FileDescriptor;

/// Where the process lacks what a connection needs, trying again at once would keep a core busy.
constexpr std::chrono::milliseconds kRetryTime{100};

/// A connection that has not told the token yet.
struct Stranger {
  explicit Stranger(asio::io_context& context) : stream(context), deadline(context) {}

  asio::posix::stream_descriptor stream;
  asio::steady_timer deadline;
  MessageFramer framer;
  std::size_t n_received = 0;
  std::array<char, kMaxUnauthenticatedBytes> chunk{};
};

class SocketTransport final : public Transport {
 public:
  SocketTransport(asio::io_context& context, ListeningSocket listening, std::string token, std::chrono::milliseconds authentication_time)
      : context_(context),
        listening_(std::move(listening)),
        acceptable_(context),
        retry_(context),
        signals_(context),
        token_(std::move(token)),
        authentication_time_(authentication_time) {
    error_code ignored;  // it comes again where somebody waits for a client
    acceptable_.assign(listening_->fd(), ignored);
    watch_signals();
  }

  ~SocketTransport() override { stop_listening(); }

  void start(Handlers handlers) override {
    handlers_ = std::move(handlers);
    wait_for_client();
  }

  void send(std::string body) override {
    if (stream_) stream_->send(std::move(body));
  }

  void close(std::function<void()> done) override {
    stop_listening();
    if (stream_) return stream_->close(std::move(done));
    done();
  }

 private:
  using StrangerPtr = std::shared_ptr<Stranger>;

  void watch_signals() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction current {};
      // What the process was started to ignore, as under nohup, it ignores.
      error_code ignored;
      if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) signals_.add(number, ignored);
    }
    signals_.async_wait([this](const error_code& error, int number) {
      if (error) return;
      stop_listening();  // which makes signals what they were
      (void)std::raise(number);
    });
  }

  void wait_for_client() {
    acceptable_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& error) {
      if (!listening_) return;
      if (error) return give_up(error.message());
      FileDescriptor client = listening_->accept();
      if (!client.is_open()) return accept_failed(errno);
      if (token_.empty()) return serve(std::move(client), {}, nullptr);
      meet(std::move(client));
      wait_for_client();
    });
  }

  void accept_failed(int error) {
    if (error == EAGAIN || error == EINTR || error == ECONNABORTED) return wait_for_client();
    spdlog::warn("cannot accept a connection: {}", std::generic_category().message(error));
    retry_.expires_after(kRetryTime);
    retry_.async_wait([this](const error_code& cancelled) {
      if (!cancelled && listening_) wait_for_client();
    });
  }

  void meet(FileDescriptor client) {
    if (strangers_.size() == kMaxUnauthenticatedClients) {
      return spdlog::warn("a client was turned away: {} others have not authenticated yet", kMaxUnauthenticatedClients);
    }
    const auto stranger = std::make_shared<Stranger>(context_);
    error_code failed;
    stranger->stream.assign(client.get(), failed);
    if (failed) return spdlog::warn("cannot read from a connection: {}", failed.message());
    client.release();
    strangers_.insert(stranger);
    stranger->deadline.expires_after(authentication_time_);
    stranger->deadline.async_wait([this, stranger](const error_code& error) {
      if (!error) turn_away(stranger, fmt::format("it did not authenticate within {} ms", authentication_time_.count()));
    });
    listen_to(stranger);
  }

  void listen_to(const StrangerPtr& stranger) {
    const auto space = asio::buffer(stranger->chunk.data(), kMaxUnauthenticatedBytes - stranger->n_received);
    stranger->stream.async_read_some(space, [this, stranger](const error_code& error, std::size_t n) {
      if (!strangers_.contains(stranger)) return;
      if (error) return turn_away(stranger, "it closed the connection before it authenticated");
      stranger->n_received += n;
      stranger->framer.feed({stranger->chunk.data(), n});
      const auto body = stranger->framer.next();
      if (!body) return turn_away(stranger, "framing: " + body.error().message);
      if (*body) return judge(stranger, **body);
      if (stranger->n_received == kMaxUnauthenticatedBytes) {
        return turn_away(stranger, fmt::format("its first message is not within {} bytes", kMaxUnauthenticatedBytes));
      }
      listen_to(stranger);
    });
  }

  void judge(const StrangerPtr& stranger, std::string_view first_message) {
    const auto id = check_authentication(first_message, token_);
    if (!id) return turn_away(stranger, id.error().message);
    serve(FileDescriptor(stranger->stream.release()), std::move(stranger->framer), *id);
  }

  void turn_away(const StrangerPtr& stranger, std::string_view reason) {
    if (strangers_.erase(stranger) == 0) return;
    spdlog::warn("a client was turned away: {}", reason);
    error_code ignored;
    stranger->stream.close(ignored);
    stranger->deadline.cancel();
  }

  /// From here on there is this client alone. `request_id`: of the request that it authenticated with, or null.
  void serve(FileDescriptor client, MessageFramer received, const Json& request_id) {
    stop_listening();
    FileDescriptor output(::dup(client.get()));
    auto stream = open_stream_transport(context_, std::move(client), std::move(output), std::move(received));
    if (!stream) return give_up(stream.error().message);
    spdlog::info("a client is connected");
    stream_ = std::move(*stream);
    if (!request_id.is_null()) stream_->send(make_result(request_id, nullptr));
    stream_->start(std::move(handlers_));
  }

  void give_up(std::string_view reason) {
    spdlog::error("no client can be served: {}", reason);
    handlers_.on_disconnect();
  }

  void stop_listening() {
    error_code ignored;
    if (acceptable_.is_open()) acceptable_.release();
    listening_.reset();
    retry_.cancel();
    signals_.clear(ignored);
    signals_.cancel(ignored);
    for (const StrangerPtr& stranger : strangers_) {
      stranger->stream.close(ignored);
      stranger->deadline.cancel();
    }
    strangers_.clear();
  }

  asio::io_context& context_;
  std::optional<ListeningSocket> listening_;   // until there is a client
  asio::posix::stream_descriptor acceptable_;  // the same descriptor, which listening_ owns
  asio::steady_timer retry_;
  asio::signal_set signals_;
  std::string token_;
  std::chrono::milliseconds authentication_time_;
  Handlers handlers_;
  std::set<StrangerPtr> strangers_;
  std::unique_ptr<Transport> stream_;
};

}  // namespace

std::unique_ptr<Transport> open_socket_transport(asio::io_context& context, ListeningSocket listening, std::string token,
                                                 std::chrono::milliseconds authentication_time) {
  return std::make_unique<SocketTransport>(context, std::move(listening), std::move(token), authentication_time);
}

}  // namespace octet::lsp

// Waiting for a client, with a short limit in place of the five seconds. All else is tested on the running server.
#include "lsp/socket_transport.h"

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "engine/memory/file_descriptor.h"
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using engine::FileDescriptor;
using lsp::ListeningSocket;

const std::string kToken(64, 'a');
constexpr int kHangMs = 60'000;  // only a bound for failing

std::string frame(const std::string& body) { return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body; }

FileDescriptor connect_to(std::uint16_t port) {
  FileDescriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return client;
}

/// Whether the server closed the connection, within `ms`.
bool is_closed_within(const FileDescriptor& client, int ms) {
  pollfd event{client.get(), POLLIN, 0};
  std::array<char, 1> byte{};
  return ::poll(&event, 1, ms) == 1 && ::recv(client.get(), byte.data(), byte.size(), 0) <= 0;
}

bool send(const FileDescriptor& client, const std::string& bytes) {
  return ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

/// A transport on a free port, and its main thread.
struct Waiting {
  explicit Waiting(std::chrono::milliseconds authentication_time) {
    silence_log();
    auto listening = ListeningSocket::on_loopback(0);
    REQUIRE(listening.has_value());
    port = listening->port();
    transport = lsp::open_socket_transport(context, std::move(*listening), kToken, authentication_time);
    transport->start({.on_message =
                          [this](std::string body) {
                            bodies.push_back(std::move(body));
                            context.stop();
                          },
                      .on_disconnect = [this] { context.stop(); }});
  }

  boost::asio::io_context context;
  std::uint16_t port = 0;
  std::unique_ptr<lsp::Transport> transport;
  std::vector<std::string> bodies;
};

}  // namespace

TEST_CASE("bytes that drip in do not prolong the time for authentication, and the places of slow clients become free") {
  Waiting server(std::chrono::milliseconds(50));
  std::thread clients([&] {
    std::vector<FileDescriptor> slow;
    for (std::size_t i = 0; i < lsp::kMaxUnauthenticatedClients; ++i) slow.push_back(connect_to(server.port));
    // Well framed, and at this pace not complete before a minute has passed.
    const std::string drip = "Content-Length: 4000\r\n\r\n" + std::string(4000, ' ');
    std::size_t n_sent = 0;
    while (n_sent < drip.size() && !is_closed_within(slow[0], 15)) {
      if (!send(slow[0], drip.substr(n_sent++, 1))) break;
    }
    CHECK(n_sent < drip.size() / 2);
    for (std::size_t i = 1; i < slow.size(); ++i) CHECK(is_closed_within(slow[i], kHangMs));

    const FileDescriptor last = connect_to(server.port);
    CHECK(send(last, frame(R"({"jsonrpc":"2.0","method":"octet/authenticate","params":{"token":")" + kToken + "\"}}") + frame("hello")));
    CHECK_FALSE(is_closed_within(last, 0));
  });
  server.context.run();
  clients.join();
  CHECK(server.bodies == std::vector<std::string>{"hello"});
}

TEST_CASE("the time for authentication does not run on for the client that was taken") {
  Waiting server(std::chrono::milliseconds(20));
  const FileDescriptor client = connect_to(server.port);
  REQUIRE(send(client, frame(R"({"jsonrpc":"2.0","method":"octet/authenticate","params":{"token":")" + kToken + "\"}}")));
  std::thread later([&] {
    CHECK_FALSE(is_closed_within(client, 100));
    CHECK(send(client, frame("hello")));
  });
  server.context.run();
  later.join();
  CHECK(server.bodies == std::vector<std::string>{"hello"});
}

TEST_CASE("a transport without a client drops what is sent and closes at once") {
  Waiting server(lsp::kAuthenticationTime);
  server.transport->send("nobody hears this");
  bool is_done = false;
  server.transport->close([&] { is_done = true; });
  CHECK(is_done);
  CHECK(ListeningSocket::on_loopback(server.port).has_value());
}

}  // namespace octet::tests

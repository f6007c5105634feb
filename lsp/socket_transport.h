// The one client that connects to a listening socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "lsp/listening_socket.h"
#include "lsp/transport.h"

namespace boost::asio {
class io_context;
}

namespace octet::lsp {

inline constexpr std::chrono::milliseconds kAuthenticationTime{5000};
inline constexpr std::size_t kMaxUnauthenticatedBytes = 4096;
inline constexpr std::size_t kMaxUnauthenticatedClients = 8;

/// Waits for a client and serves it alone: the listening socket is closed as soon as there is one. Without a `token` the first who
/// connects is the client. With one, it is the first whose first message tells it (access_token.h): within `authentication_time`, which
/// sending does not prolong, and kMaxUnauthenticatedBytes. Who does not is turned away with a log line, and so is at once who finds
/// kMaxUnauthenticatedClients waiting. SIGINT, SIGTERM and SIGHUP end the process as ever, but the socket's path goes first.
std::unique_ptr<Transport> open_socket_transport(boost::asio::io_context& context, ListeningSocket listening, std::string token,
                                                 std::chrono::milliseconds authentication_time = kAuthenticationTime);

}  // namespace octet::lsp

// A socket on which one client of this machine is awaited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "bytemodel/result.h"
#include "engine/memory/file_descriptor.h"

namespace octet::lsp {

/// The longest path that the system takes for a socket: sun_path without its NUL.
inline constexpr std::size_t kMaxSocketPathBytes = 107;

/// Move-only; closed, and its path removed, when its owner goes. One thread at a time.
class ListeningSocket {
 public:
  /// A Unix socket that nobody but its user can connect to, from its first moment on. Replaces the socket of a server that died.
  /// Fails with
  ///  - kInvalidArgument: the path is empty or longer than kMaxSocketPathBytes;
  ///  - kUnreadable: a living process uses the path, something there is no socket, or the system refuses.
  static Result<ListeningSocket> at_path(const std::filesystem::path& path);

  /// TCP on 127.0.0.1; port 0 is any that is free. Fails with kUnreadable where the port is taken or the system refuses.
  static Result<ListeningSocket> on_loopback(std::uint16_t port);

  ListeningSocket(ListeningSocket&& other) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int fd() const { return socket_.get(); }
  /// Of a TCP socket.
  std::uint16_t port() const { return port_; }
  /// The next client that waits, without waiting for one. Not open where there is none (errno says why).
  engine::FileDescriptor accept() const;

 private:
  ListeningSocket() = default;

  engine::FileDescriptor socket_;
  std::filesystem::path path_;  // of a Unix socket
  std::uint64_t inode_ = 0;     // of what was made there; another's must stay
  std::uint16_t port_ = 0;
};

}  // namespace octet::lsp

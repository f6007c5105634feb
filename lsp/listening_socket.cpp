#include "lsp/listening_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

namespace fs = std::filesystem;
using engine::FileDescriptor;

constexpr int kBacklog = 16;
constexpr mode_t kOnlyUser = 0600;
constexpr int kLockTries = 100;  // of 10 ms: whoever starts a server holds the lock for less than one
constexpr int kLockTryMs = 10;

static_assert(kMaxSocketPathBytes == sizeof(sockaddr_un::sun_path) - 1);

/// "`what`: why the last system call failed".
tl::unexpected<Error> system_error(const std::string& what) {
  return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", what, std::generic_category().message(errno)));
}

const sockaddr* as_address(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

/// Two servers that start at once must not both take away the same dead socket: the second would take the first one's new one.
Result<FileDescriptor> lock_folder(const fs::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return system_error(folder.string());
  for (int i = 0; ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kLockTries || (errno != EWOULDBLOCK && errno != EINTR)) return system_error(folder.string() + ": cannot be locked");
    ::poll(nullptr, 0, kLockTryMs);
  }
  return fd;
}

/// Removes the socket of a process that died; fails where anything else is at the path.
Result<void> remove_dead_socket(const fs::path& path, const sockaddr_un& address) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error(path.string());
  }
  if (!S_ISSOCK(found.st_mode)) {
    return fail(ErrorCode::kUnreadable,
                fmt::format("{}: expected no file or the socket of a server that died, found what is no socket", path.string()));
  }
  // A datagram socket cannot connect to a stream socket, so asking does not take a client's place.
  const FileDescriptor probe(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe.is_open()) return system_error("a socket");
  const bool is_connected = ::connect(probe.get(), as_address(address), sizeof address) == 0;
  if (is_connected || errno == EPROTOTYPE) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: another process listens there", path.string()));
  }
  if (errno != ECONNREFUSED) return system_error(path.string());
  if (::unlink(path.c_str()) != 0) return system_error(path.string());
  return {};
}

}  // namespace

Result<ListeningSocket> ListeningSocket::at_path(const fs::path& path) {
  const std::string& name = path.native();
  if (name.empty() || name.size() > kMaxSocketPathBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a socket's path: expected 1 to {} bytes, found {}", kMaxSocketPathBytes, name.size()));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path);

  ListeningSocket listening;
  listening.socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listening.fd() < 0) return system_error("a socket");
  const auto lock = lock_folder(path.has_parent_path() ? path.parent_path() : fs::path("."));
  if (!lock) return tl::unexpected(lock.error());
  if (auto removed = remove_dead_socket(path, address); !removed) return tl::unexpected(removed.error());
  // The path gets the mode that the socket has when it is bound: there is no moment with another one.
  if (::fchmod(listening.fd(), kOnlyUser) != 0 || ::bind(listening.fd(), as_address(address), sizeof address) != 0) {
    return system_error(path.string());
  }
  struct stat made {};
  if (::lstat(path.c_str(), &made) != 0) return system_error(path.string());
  listening.path_ = path;
  listening.inode_ = made.st_ino;
  if (::listen(listening.fd(), kBacklog) != 0) return system_error(path.string());
  return listening;
}

Result<ListeningSocket> ListeningSocket::on_loopback(std::uint16_t port) {
  const std::string label = fmt::format("port {} of 127.0.0.1", port);
  ListeningSocket listening;
  listening.socket_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (listening.fd() < 0) return system_error(label);
  const int yes = 1;  // the connections of a server that ended do not keep the port from the next one
  ::setsockopt(listening.fd(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ::setsockopt(listening.fd(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // its clients inherit it
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t n_bytes = sizeof address;
  if (::bind(listening.fd(), reinterpret_cast<const sockaddr*>(&address), n_bytes) != 0 || ::listen(listening.fd(), kBacklog) != 0 ||
      ::getsockname(listening.fd(), reinterpret_cast<sockaddr*>(&address), &n_bytes) != 0) {
    return system_error(label);
  }
  listening.port_ = ntohs(address.sin_port);
  return listening;
}

ListeningSocket::~ListeningSocket() {
  struct stat found {};
  if (socket_.is_open() && !path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_) ::unlink(path_.c_str());
}

FileDescriptor ListeningSocket::accept() const { return FileDescriptor(::accept4(fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)); }

}  // namespace octet::lsp

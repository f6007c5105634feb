// The sockets on which a client is awaited: who could connect, at every moment, and what they leave behind.
#include "lsp/listening_socket.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using lsp::ListeningSocket;

/// A folder of this process, gone at the end.
struct Folder {
  Folder() : path(fs::temp_directory_path() / ("octet-socket-" + std::to_string(::getpid()))) { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

}  // namespace

TEST_CASE("a Unix socket never has another mode than 0600, not even for a moment") {
  const Folder folder;
  const fs::path path = folder.path / "octet.sock";
  const mode_t old_umask = ::umask(0);
  std::atomic<bool> is_done = false;
  int n_seen = 0;
  int n_open = 0;
  std::thread watcher([&] {
    while (!is_done) {
      struct stat found {};
      if (::lstat(path.c_str(), &found) != 0) continue;
      ++n_seen;
      n_open += (found.st_mode & 0777) != 0600;
    }
  });
  for (int i = 0; i < 3000; ++i) CHECK(ListeningSocket::at_path(path).has_value());
  is_done = true;
  watcher.join();
  ::umask(old_umask);
  CHECK(n_seen > 0);
  CHECK(n_open == 0);
}

TEST_CASE("the path of a Unix socket goes with its owner, however often that one was moved") {
  const Folder folder;
  const fs::path path = folder.path / "octet.sock";
  {
    auto made = ListeningSocket::at_path(path);
    REQUIRE(made.has_value());
    const ListeningSocket moved = std::move(*made);
    CHECK(fs::is_socket(path));
    CHECK_FALSE(moved.accept().is_open());
  }
  CHECK_FALSE(fs::exists(fs::symlink_status(path)));
}

TEST_CASE("what another put in place of the socket stays") {
  const Folder folder;
  const fs::path path = folder.path / "octet.sock";
  {
    const auto made = ListeningSocket::at_path(path);
    REQUIRE(made.has_value());
    std::ofstream(folder.path / "other") << "mine";
    fs::rename(folder.path / "other", path);
  }
  CHECK(fs::file_size(path) == 4);
}

TEST_CASE("of servers that find a dead socket at the same moment one gets the path and keeps it") {
  const Folder folder;
  const fs::path path = folder.path / "octet.sock";
  constexpr std::size_t kServers = 2;
  for (int round = 0; round < 100; ++round) {
    {  // what a killed server leaves: the path outlives the descriptor
      const auto dead = ListeningSocket::at_path(folder.path / "dead");
      REQUIRE(dead.has_value());
      fs::rename(folder.path / "dead", path);
    }
    std::atomic<std::size_t> n_ready = 0;
    std::vector<std::optional<ListeningSocket>> made(kServers);
    std::vector<std::thread> servers;
    for (std::size_t i = 0; i < kServers; ++i) {
      servers.emplace_back([&, i] {
        ++n_ready;
        while (n_ready < kServers) {
        }  // spinning: who is woken up comes too late
        if (auto socket = ListeningSocket::at_path(path)) made[i].emplace(std::move(*socket));
      });
    }
    for (std::thread& server : servers) server.join();
    CHECK(std::count_if(made.begin(), made.end(), [](const auto& socket) { return socket.has_value(); }) == 1);
    CHECK_FALSE(ListeningSocket::at_path(path).has_value());
  }
}

TEST_CASE("a folder that somebody else keeps locked is a failure and no hang") {
  const Folder folder;
  const int held = ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY);
  REQUIRE(::flock(held, LOCK_EX) == 0);
  const auto refused = ListeningSocket::at_path(folder.path / "octet.sock");
  ::close(held);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("locked") != std::string::npos);
  CHECK(ListeningSocket::at_path(folder.path / "octet.sock").has_value());
}

TEST_CASE("a path has 1 to 107 bytes") {
  const Folder folder;
  const std::string start = folder.path.string() + "/";
  CHECK(ListeningSocket::at_path(start + std::string(lsp::kMaxSocketPathBytes - start.size(), 'x')).has_value());
  for (const std::string& path : {std::string(), start + std::string(lsp::kMaxSocketPathBytes + 1 - start.size(), 'x')}) {
    const auto refused = ListeningSocket::at_path(path);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::kInvalidArgument);
    CHECK(refused.error().message.find(std::to_string(path.size())) != std::string::npos);
  }
}

TEST_CASE("a port that is taken is refused by name, and is free again afterwards") {
  std::uint16_t port = 0;
  {
    const auto first = ListeningSocket::on_loopback(0);
    REQUIRE(first.has_value());
    port = first->port();
    CHECK(port != 0);
    const auto second = ListeningSocket::on_loopback(port);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message.find(std::to_string(port)) != std::string::npos);
  }
  const auto again = ListeningSocket::on_loopback(port);
  REQUIRE(again.has_value());
  CHECK(again->port() == port);
}

}  // namespace octet::tests

// The sockets of running processes, read from a proc file system that the tests make.
#include "lsp/open_sockets.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using lsp::OpenSocket;
using lsp::RunningOctet;

constexpr const char* kIpColumns = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
constexpr const char* kUnixColumns = "Num       RefCount Protocol Flags    Type St Inode Path\n";

std::string ip_line(const std::string& local, const std::string& remote, const std::string& state, int inode) {
  return "   0: " + local + " " + remote + " " + state + " 00000000:00000000 00:00000000 00000000     0        0 " + std::to_string(inode) +
         " 1 0000000000000000 100 0 0 10 0\n";
}

class Proc {
 public:
  Proc() : root_(fs::temp_directory_path() / ("octet-proc-" + std::to_string(::getpid()))) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "sys");
    write("uptime", "1 1\n");
  }
  ~Proc() { fs::remove_all(root_); }

  void add(int pid, const std::string& arguments, const std::string& name = "octet", unsigned uid = ::geteuid(),
           const std::string& state = "S (sleeping)") {
    const std::string folder = std::to_string(pid);
    fs::create_directories(root_ / folder / "fd");
    fs::create_directories(root_ / folder / "net");
    const std::string id = std::to_string(uid);
    write(folder + "/status",
          "Name:\t" + name + "\nUmask:\t0022\nState:\t" + state + "\nUid:\t" + id + "\t" + id + "\t" + id + "\t" + id + "\n");
    std::string command = "octet\n" + arguments;
    for (char& c : command) {
      if (c == ' ' || c == '\n') c = '\0';
    }
    write(folder + "/cmdline", command + '\0');
  }
  void add_descriptor(int pid, int number, const std::string& target) {
    fs::create_symlink(target, root_ / std::to_string(pid) / "fd" / std::to_string(number));
  }
  void write(const std::string& file, const std::string& text) { std::ofstream(root_ / file, std::ios::binary) << text; }

  std::vector<RunningOctet> find() const {
    auto found = lsp::find_running_octets(root_);
    REQUIRE(found.has_value());
    return *found;
  }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

/// A process with one socket, of inode 77, that `table` tells of by `line`.
OpenSocket only_socket(const std::string& table, const std::string& line) {
  Proc proc;
  proc.add(5, "lsp");
  proc.add_descriptor(5, 3, "socket:[77]");
  proc.write("5/net/" + table, (table == "unix" ? kUnixColumns : kIpColumns) + line);
  const auto found = proc.find();
  REQUIRE(found.size() == 1);
  REQUIRE(found[0].sockets.size() == 1);
  return found[0].sockets[0];
}

}  // namespace

TEST_CASE("processes are found by name and user, in order, and the dead and this one are left out") {
  Proc proc;
  proc.add(30, "lsp");
  proc.add(4, "lsp --stdio");
  proc.add(6, "lsp", "octet-bench");
  proc.add(7, "lsp", "octe");
  proc.add(8, "lsp", "octet", ::geteuid() + 1);
  proc.add(9, "lsp", "octet", ::geteuid(), "Z (zombie)");
  proc.add(::getpid(), "doctor --network");
  const auto found = proc.find();
  REQUIRE(found.size() == 2);
  CHECK(found[0].pid == 4);
  CHECK(found[1].pid == 30);
  CHECK(found[0].sockets.empty());
}

TEST_CASE("the mode is read from the command line") {
  const std::vector<std::pair<std::string, std::string>> modes{{"lsp", "stdio"},
                                                               {"lsp --stdio", "stdio"},
                                                               {"lsp --port 0", "port"},
                                                               {"lsp --port=4000", "port"},
                                                               {"--model x lsp", "stdio"},
                                                               {"--model x lsp --port 1", "port"},
                                                               {"lsp --socket /s", "socket"},
                                                               {"lsp --socket=/s", "socket"},
                                                               {"complete a.c --at 1:1", "complete"},
                                                               {"--log-level off doctor", "doctor"},
                                                               {"", ""}};
  for (const auto& [arguments, mode] : modes) {
    CAPTURE(arguments);
    Proc proc;
    proc.add(5, arguments);
    CHECK(proc.find().at(0).mode == mode);
  }
}

TEST_CASE("IPv4 addresses are read and only 127.0.0.0/8 is a loopback") {
  CHECK(only_socket("tcp", ip_line("0100007F:1F90", "00000000:0000", "0A", 77)) ==
        OpenSocket{"tcp", "127.0.0.1:8080", "0.0.0.0:0", "LISTEN", true, true});
  CHECK(only_socket("tcp", ip_line("0100007F:1F90", "0200007F:C001", "01", 77)) ==
        OpenSocket{"tcp", "127.0.0.1:8080", "127.0.0.2:49153", "ESTABLISHED", true, true});
  CHECK(only_socket("tcp", ip_line("00000000:1F90", "00000000:0000", "0A", 77)) ==
        OpenSocket{"tcp", "0.0.0.0:8080", "0.0.0.0:0", "LISTEN", true, false});
  CHECK(only_socket("tcp", ip_line("0100A8C0:A000", "01010101:01BB", "02", 77)) ==
        OpenSocket{"tcp", "192.168.0.1:40960", "1.1.1.1:443", "SYN_SENT", true, false});
  CHECK_FALSE(only_socket("tcp", ip_line("0100007F:1F90", "01010101:01BB", "01", 77)).is_loopback);
  CHECK_FALSE(only_socket("tcp", ip_line("7F000001:1F90", "00000000:0000", "0A", 77)).is_loopback);  // 1.0.0.127
  CHECK(only_socket("udp", ip_line("0100007F:0035", "00000000:0000", "07", 77)) ==
        OpenSocket{"udp", "127.0.0.1:53", "0.0.0.0:0", "UNCONNECTED", true, true});
  CHECK(only_socket("tcp", ip_line("0100007F:1F90", "00000000:0000", "FF", 77)).state == "?");
}

TEST_CASE("IPv6 addresses are read and only ::1 and mapped loopbacks are loopbacks") {
  const std::string any = "00000000000000000000000000000000:0000";
  CHECK(only_socket("tcp6", ip_line("00000000000000000000000001000000:1F90", any, "0A", 77)) ==
        OpenSocket{"tcp6", "[::1]:8080", "[::]:0", "LISTEN", true, true});
  CHECK(only_socket("tcp6", ip_line("0000000000000000FFFF00000100007F:1F90", any, "0A", 77)) ==
        OpenSocket{"tcp6", "[::ffff:127.0.0.1]:8080", "[::]:0", "LISTEN", true, true});
  CHECK_FALSE(only_socket("tcp6", ip_line(any, any, "0A", 77)).is_loopback);
  CHECK_FALSE(only_socket("tcp6", ip_line("0000000000000000FFFF00000100000A:1F90", any, "0A", 77)).is_loopback);
  CHECK(only_socket("udp6", ip_line("B80D0120000000000000000001000000:0035", any, "07", 77)) ==
        OpenSocket{"udp6", "[2001:db8::1]:53", "[::]:0", "UNCONNECTED", true, false});
}

TEST_CASE("Unix sockets are no network, whatever their path") {
  const std::string start = "00000000149b70ac: 00000002 00000000 ";
  CHECK(only_socket("unix", start + "00010000 0001 01    77 /run/my octet 77 .sock\n") ==
        OpenSocket{"unix", "/run/my octet 77 .sock", "", "LISTEN", false, true});
  CHECK(only_socket("unix", start + "00000000 0001 03    77\n") == OpenSocket{"unix", "", "", "ESTABLISHED", false, true});
  CHECK(only_socket("unix", start + "00000000 0002 01    77 @abstract\n") ==
        OpenSocket{"unix", "@abstract", "", "UNCONNECTED", false, true});
}

TEST_CASE("a Unix socket's path cannot hide a socket of the network") {
  Proc proc;
  proc.add(5, "lsp");
  proc.add_descriptor(5, 3, "socket:[77]");
  proc.write("5/net/tcp", kIpColumns + ip_line("0100A8C0:A000", "01010101:01BB", "01", 77));
  proc.write("5/net/unix",
             std::string(kUnixColumns) + "0: 00000002 00000000 00010000 0001 01 78 x\n0: 00000002 00000000 00000000 0001 01 77 y\n");
  CHECK_FALSE(proc.find().at(0).sockets.at(0).is_loopback);
}

TEST_CASE("each socket of a process is listed once and others' sockets are not") {
  Proc proc;
  proc.add(5, "lsp --port 0");
  for (const int number : {0, 1, 2}) proc.add_descriptor(5, number, "/dev/null");
  proc.add_descriptor(5, 3, "pipe:[70]");
  proc.add_descriptor(5, 4, "socket:[71]");
  proc.add_descriptor(5, 5, "socket:[71]");
  proc.add_descriptor(5, 6, "anon_inode:[eventpoll]");
  proc.add_descriptor(5, 7, "socket:[72]");
  proc.write("5/net/tcp", kIpColumns + ip_line("0100007F:0001", "00000000:0000", "0A", 70) +
                              ip_line("0100007F:0002", "00000000:0000", "0A", 71) + ip_line("0100007F:0003", "00000000:0000", "0A", 73));
  proc.write("5/net/unix", std::string(kUnixColumns) + "0: 00000002 00000000 00010000 0001 01 72 /s\n");
  const auto sockets = proc.find().at(0).sockets;
  REQUIRE(sockets.size() == 2);
  CHECK(sockets[0].local == "127.0.0.1:2");
  CHECK(sockets[1].local == "/s");
}

TEST_CASE("a socket that no table tells of counts as one of the network") {
  for (const std::string& line : {std::string(), std::string("garbage\n"), ip_line("garbage", "00000000:0000", "0A", 77),
                                  ip_line("0100007F:1F90", "00000000", "0A", 77), ip_line("0100007F:XYZ0", "00000000:0000", "0A", 77)}) {
    const auto socket = only_socket("tcp", line);
    CHECK(socket.protocol == "unknown");
    CHECK(socket.is_network);
    CHECK_FALSE(socket.is_loopback);
  }
}

TEST_CASE("a process whose descriptors are not shown is a failure, never a process without sockets") {
  Proc proc;
  proc.add(5, "lsp");
  fs::remove(proc.root() / "5/fd");
  const auto found = lsp::find_running_octets(proc.root());
  REQUIRE_FALSE(found.has_value());
  CHECK(found.error().message.find("5/fd") != std::string::npos);
  CHECK_FALSE(lsp::find_running_octets(proc.root() / "nowhere").has_value());
}

}  // namespace octet::tests

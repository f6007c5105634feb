#include "lsp/open_sockets.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

namespace fs = std::filesystem;
using SocketsByInode = std::map<std::string, OpenSocket>;

/// The kernel's numbers, from include/net/tcp_states.h; UDP uses the first and the seventh.
constexpr std::array<const char*, 13> kStates{"?",           "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",   "TIME_WAIT",
                                              "UNCONNECTED", "CLOSE_WAIT",  "LAST_ACK", "LISTEN",   "CLOSING",   "NEW_SYN_RECV"};
constexpr std::size_t kAcceptsConnections = 0x10000;  // among a Unix socket's flags: it listens
constexpr std::size_t kConnected = 3;                 // a Unix socket's state

std::optional<std::size_t> hex(std::string_view digits) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

struct Address {
  std::string text;
  bool is_loopback = false;
  bool is_any = false;  // of a socket that is not connected
};

/// "0100007F:1F90": the address as words of 32 bits in the machine's byte order, one or four, and the port.
std::optional<Address> parse_address(std::string_view field) {
  const std::size_t n_words = field.size() / 8;  // 8 or 32 digits, and ":" with the port's four
  if ((n_words != 1 && n_words != 4) || field.size() != 8 * n_words + 5 || field[8 * n_words] != ':') return std::nullopt;
  std::array<std::uint32_t, 4> words{};
  for (std::size_t i = 0; i < n_words; ++i) {
    const auto word = hex(field.substr(8 * i, 8));
    if (!word) return std::nullopt;
    words[i] = static_cast<std::uint32_t>(*word);
  }
  const auto port = hex(field.substr(8 * n_words + 1));
  if (!port) return std::nullopt;

  std::array<char, INET6_ADDRSTRLEN> name{};
  const auto is_loopback4 = [](std::uint32_t network_order) { return ntohl(network_order) >> 24 == 127; };
  Address address;
  if (n_words == 1) {
    ::inet_ntop(AF_INET, words.data(), name.data(), name.size());
    address = {fmt::format("{}:{}", name.data(), *port), is_loopback4(words[0]), words[0] == 0};
  } else {
    in6_addr ip{};
    std::memcpy(&ip, words.data(), sizeof ip);
    ::inet_ntop(AF_INET6, &ip, name.data(), name.size());
    address = {fmt::format("[{}]:{}", name.data(), *port), bool(IN6_IS_ADDR_LOOPBACK(&ip)), bool(IN6_IS_ADDR_UNSPECIFIED(&ip))};
    if (IN6_IS_ADDR_V4MAPPED(&ip)) address.is_loopback = is_loopback4(words[3]);
  }
  return address;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

/// "sl local remote state queues timer retransmits uid timeout inode ...".
void read_ip_line(const std::string& protocol, const std::string& line, SocketsByInode& sockets) {
  const auto words = words_of(line);
  if (words.size() < 10) return;
  const auto local = parse_address(words[1]);
  const auto remote = parse_address(words[2]);
  const auto state = hex(words[3]);
  if (!local || !remote || !state) return;
  sockets[words[9]] = {protocol,
                       local->text,
                       remote->text,
                       kStates[*state < kStates.size() ? *state : 0],
                       /*is_network=*/true,
                       local->is_loopback && (remote->is_loopback || remote->is_any)};
}

/// "address: references protocol flags type state inode path".
void read_unix_line(const std::string& line, SocketsByInode& sockets) {
  const auto words = words_of(line);
  if (words.size() < 7) return;
  const bool is_listening = hex(words[3]).value_or(0) & kAcceptsConnections;
  const char* state = is_listening ? "LISTEN" : hex(words[5]) == kConnected ? "ESTABLISHED" : "UNCONNECTED";
  // The path may hold spaces: it is all behind the inode's column.
  const std::size_t inode_at = line.find(' ' + words[6] + ' ', line.find(' ' + words[5] + ' '));
  const std::string path = words.size() > 7 && inode_at != std::string::npos ? line.substr(inode_at + words[6].size() + 2) : "";
  // Never in place of one of the network: whoever makes a Unix socket chooses its path, line ends included.
  sockets.emplace(words[6], OpenSocket{"unix", path, "", state, /*is_network=*/false, /*is_loopback=*/true});
}

/// Every socket of the network that a process sees. A table that is missing has none: IPv6 may be off.
SocketsByInode read_tables(const fs::path& net) {
  SocketsByInode sockets;
  for (const char* protocol : {"tcp", "tcp6", "udp", "udp6", "unix"}) {
    std::ifstream table(net / protocol);
    std::string line;
    std::getline(table, line);  // the names of the columns
    while (std::getline(table, line)) {
      if (std::string_view(protocol) == "unix") {
        read_unix_line(line, sockets);
      } else {
        read_ip_line(protocol, line, sockets);
      }
    }
  }
  return sockets;
}

/// The inode of the socket that a descriptor leads to, in "socket:[12345]".
std::optional<std::string> socket_inode(const fs::path& descriptor) {
  std::error_code error;
  const std::string target = fs::read_symlink(descriptor, error).string();
  constexpr std::string_view kStart = "socket:[";
  if (error || !target.starts_with(kStart) || !target.ends_with(']')) return std::nullopt;
  return target.substr(kStart.size(), target.size() - kStart.size() - 1);
}

/// What a process was started as: "port" of `octet lsp --port 0`.
std::string mode_of(const fs::path& process) {
  constexpr std::array<std::string_view, 5> kVerbs{"lsp", "complete", "inspect", "doctor", "forget"};
  std::ifstream file(process / "cmdline", std::ios::binary);
  std::string verb;
  for (std::string argument; std::getline(file, argument, '\0');) {
    const std::string_view name = std::string_view(argument).substr(0, argument.find('='));
    if (name == "--port") return "port";
    if (name == "--socket") return "socket";
    if (verb.empty() && std::find(kVerbs.begin(), kVerbs.end(), name) != kVerbs.end()) verb = argument;
  }
  return verb == "lsp" ? "stdio" : verb;
}

Result<std::vector<OpenSocket>> sockets_of(const fs::path& process) {
  std::vector<OpenSocket> found;
  std::vector<fs::path> descriptors;
  std::error_code error;
  for (fs::directory_iterator entry(process / "fd", error), end; !error && entry != end; entry.increment(error)) {
    descriptors.push_back(entry->path());
  }
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", (process / "fd").string(), error.message()));
  std::sort(descriptors.begin(), descriptors.end());
  std::vector<std::string> seen;
  std::optional<SocketsByInode> tables;
  for (const fs::path& descriptor : descriptors) {
    const auto inode = socket_inode(descriptor);
    if (!inode || std::find(seen.begin(), seen.end(), *inode) != seen.end()) continue;
    seen.push_back(*inode);
    if (!tables) tables = read_tables(process / "net");
    if (const auto socket = tables->find(*inode); socket != tables->end()) {
      found.push_back(socket->second);
    } else if (socket_inode(descriptor) == inode) {  // else it was closed before the tables were read
      found.push_back({"unknown", "inode " + *inode, "", "?", /*is_network=*/true, /*is_loopback=*/false});
    }
  }
  return found;
}

/// By its status: "Name:", "State:" and "Uid:", the second number of which decides what it may do. The dead have no sockets.
bool is_octet_of_this_user(const fs::path& process) {
  std::ifstream status(process / "status");
  bool is_octet = false;
  bool is_of_user = false;
  for (std::string line; std::getline(status, line);) {
    const auto words = words_of(line);
    if (words.size() == 2 && words[0] == "Name:") is_octet = words[1] == "octet";
    if (words.size() > 1 && words[0] == "State:" && (words[1] == "Z" || words[1] == "X")) return false;
    if (words.size() > 2 && words[0] == "Uid:") is_of_user = words[2] == std::to_string(::geteuid());
  }
  return is_octet && is_of_user;
}

}  // namespace

Result<std::vector<RunningOctet>> find_running_octets(const fs::path& proc) {
  std::vector<RunningOctet> found;
  std::error_code error;
  for (fs::directory_iterator entry(proc, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    int pid = 0;
    const auto [last, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || last != name.data() + name.size() || pid == ::getpid()) continue;
    if (!is_octet_of_this_user(entry->path())) continue;
    auto sockets = sockets_of(entry->path());
    std::error_code ignored;
    if (!sockets && !fs::exists(entry->path(), ignored)) continue;  // it has ended
    if (!sockets) return tl::unexpected(sockets.error());
    found.push_back({pid, mode_of(entry->path()), std::move(*sockets)});
  }
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", proc.string(), error.message()));
  std::sort(found.begin(), found.end(), [](const RunningOctet& a, const RunningOctet& b) { return a.pid < b.pid; });
  return found;
}

}  // namespace octet::lsp

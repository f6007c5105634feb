// Which sockets the running octet processes have open, as the kernel tells it: the proof that nothing leaves the machine.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bytemodel/result.h"

namespace octet::lsp {

struct OpenSocket {
  std::string protocol;      // tcp, tcp6, udp, udp6 or unix; or unknown: no table of the kernel's has it
  std::string local;         // address:port, or the path of a Unix socket, maybe empty
  std::string remote;        // address:port; empty for a Unix socket
  std::string state;         // LISTEN, ESTABLISHED, ...
  bool is_network = true;    // not a Unix socket
  bool is_loopback = false;  // bound to a loopback address, and connected to one or not connected

  bool operator==(const OpenSocket&) const = default;
};

struct RunningOctet {
  int pid = 0;
  std::string mode;  // of `octet lsp`: stdio, socket or port; else the verb, or empty
  std::vector<OpenSocket> sockets;
};

/// The processes named octet of this user, but not this one, by process id. What ends meanwhile is left out. `proc`: where the proc file
/// system is. Fails with kUnreadable where the system does not show the sockets of a process: none must then be claimed.
Result<std::vector<RunningOctet>> find_running_octets(const std::filesystem::path& proc = "/proc");

}  // namespace octet::lsp

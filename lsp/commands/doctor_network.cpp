// octet doctor --network: what running octet processes have open, for whoever wants to see that nothing leaves the machine.
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/open_sockets.h"
#include "lsp/version.h"

namespace octet::lsp {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const RunningOctet& octet) {
  Json sockets = Json::array();
  for (const OpenSocket& socket : octet.sockets) {
    sockets.push_back({{"protocol", socket.protocol},
                       {"local", socket.local},
                       {"remote", socket.remote},
                       {"state", socket.state},
                       {"network", socket.is_network},
                       {"loopback", socket.is_loopback}});
  }
  return {{"pid", octet.pid}, {"mode", octet.mode}, {"sockets", std::move(sockets)}};
}

/// A line for the process and one for each of its sockets.
std::string to_text(const RunningOctet& octet, bool has_network) {
  std::string text =
      fmt::format("octet {} ({}){}\n", octet.pid, octet.mode.empty() ? "?" : octet.mode, has_network ? "" : ": no network sockets");
  for (const OpenSocket& socket : octet.sockets) {
    text += fmt::format("  {:<7} {:<30} {:<30} {}\n", socket.protocol, socket.local, socket.remote, socket.state);
  }
  return text;
}

}  // namespace

int run_doctor_network(const DoctorCommand& command) {
  const auto running = find_running_octets();
  if (!running) {
    write_error(fmt::format("octet doctor: {}\n", running.error().message));
    return kExitFailed;
  }
  bool is_any_network = false;
  bool ok = true;
  std::string text;
  Json processes = Json::array();
  for (const RunningOctet& octet : *running) {
    bool has_network = false;
    for (const OpenSocket& socket : octet.sockets) {
      has_network = has_network || socket.is_network;
      ok = ok && socket.is_loopback;
    }
    is_any_network = is_any_network || has_network;
    text += to_text(octet, has_network);
    processes.push_back(to_json(octet));
  }
  if (running->empty()) text += "no octet process is running\n";
  text += !ok              ? "FAILED: a socket is not on a loopback address\n"
          : is_any_network ? "ok: network sockets on loopback addresses only\n"
                           : "ok: no network sockets\n";
  if (command.json) {
    const Json json{{"version", kVersion}, {"ok", ok}, {"processes", std::move(processes)}};
    text = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return write_output(text) && ok ? kExitDone : kExitFailed;
}

}  // namespace octet::lsp

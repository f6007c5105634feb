// The command line of octet, parsed. interfaces: README.md, "Commands".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "engine/completion.h"
#include "engine/model/open_runner.h"

namespace octet::lsp {

/// Without a socket and a port: over standard input and output.
struct LspCommand {
  std::string socket;                 // where to make a Unix socket; empty: nowhere
  std::optional<std::uint16_t> port;  // of 127.0.0.1; 0: one that is free
};

struct CompleteCommand {
  std::filesystem::path file;
  std::size_t line = 1;    // from 1
  std::size_t column = 1;  // from 1, in bytes
  std::size_t max_bytes = 256;
  std::size_t alternatives = 1;
  engine::Multiline multiline = engine::Multiline::kAuto;
  bool raw = false;
  bool use_draft = true;
  std::string workspace;  // a folder, "none", or empty: the nearest one above the file that holds .git
  bool json = false;
};

struct InspectCommand {
  std::filesystem::path model;
};

struct DoctorCommand {
  bool network = false;  // which sockets running octet processes have open, in place of the checks
  bool json = false;
};

struct ForgetCommand {
  std::filesystem::path folder;  // empty: the workspace of the current folder
  bool all = false;
};

struct Options {
  engine::RunnerOptions runner;
  std::string log_level = "info";
  std::filesystem::path log_file;
  std::variant<LspCommand, CompleteCommand, InspectCommand, DoctorCommand, ForgetCommand> command;
};

/// Exit codes of the program.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

/// What the command line asks for; or the exit code, after the text of --help or --version went to standard output or an
/// error to standard error.
std::variant<Options, int> parse_options(int argc, const char* const* argv);

}  // namespace octet::lsp

#include "lsp/options.h"

#include <charconv>
#include <cstdlib>
#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bytemodel/model_file.h"
#include "lsp/listening_socket.h"
#include "lsp/version.h"

namespace octet::lsp {
namespace {

constexpr std::size_t kMaxCompletionBytes = 4096;
constexpr std::size_t kMaxAlternatives = 16;
constexpr unsigned kMaxPort = 65535;

/// "LINE:COL", both from 1.
std::string check_place(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto is_number = [](std::string_view s) {
    return !s.empty() && s.size() <= 9 && s.find_first_not_of("0123456789") == std::string_view::npos &&
           s.find_first_not_of('0') != std::string_view::npos;
  };
  if (colon != std::string::npos && is_number(std::string_view(text).substr(0, colon)) &&
      is_number(std::string_view(text).substr(colon + 1)))
    return {};
  return fmt::format("expected LINE:COL with both counted from 1, found '{}'", text);
}

std::string check_socket_path(const std::string& path) {
  if (!path.empty() && path.size() <= kMaxSocketPathBytes) return {};
  return fmt::format("expected a path of 1 to {} bytes, found one of {}", kMaxSocketPathBytes, path.size());
}

/// Digits alone: the library takes "1e3", "0x1F" and "-0" for numbers as well.
std::string check_port(const std::string& text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error == std::errc() && end == text.data() + text.size() && port <= kMaxPort) return {};
  return fmt::format("expected a port, 0 to {}, found '{}'", kMaxPort, text);
}

void add_common(CLI::App& app, Options& options) {
  app.add_option("--model", options.runner.model, "Model file (default: the one that came with octet)");
  app.add_option("--mixer", options.runner.mixer, "Mixer of net and workspace memory (default: the one that came with octet)");
  app.add_option("--device", options.runner.device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app.add_option("--gpu-memory-mb", options.runner.gpu_memory_mb, "The most memory to take on a GPU (default: what is free)")
      ->check(CLI::Range(1U, 1U << 24));
  app.add_option("--threads", options.runner.threads, "How many threads compute (default: one a core, at most 4; the f32 profile uses one)")
      ->check(CLI::Range(1U, 1024U));
  app.add_option("--profile", options.runner.profile, "Numerics: int8, f32, or on a GPU bf16")
      ->check(CLI::IsMember({"bf16", "f32", "int8"}))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.add_option("--log-file", options.log_file, "Append the log to this file instead of standard error");
}

}  // namespace

std::variant<Options, int> parse_options(int argc, const char* const* argv) {
  Options options;
  LspCommand lsp;
  CompleteCommand complete;
  InspectCommand inspect;
  DoctorCommand doctor;
  ForgetCommand forget;
  bool use_stdio = true;
  std::string place;
  bool no_draft = false;
  std::string multiline = "auto";

  CLI::App app("Byte-level code completion that runs on your machine.", "octet");
  app.set_version_flag("--version", fmt::format("octet {} (model format {})", kVersion, bytemodel::kModelFormat));
  app.require_subcommand(0, 1);  // 1 would hide which word was not understood
  app.fallthrough();
  add_common(app, options);

  CLI::App* lsp_app = app.add_subcommand("lsp", "Serve an editor");
  CLI::Option* stdio = lsp_app->add_flag("--stdio", use_stdio, "Over standard input and output (the default)");
  CLI::Option* socket = lsp_app->add_option("--socket", lsp.socket, "Over a Unix socket of this path, for one client")
                            ->type_name("PATH")
                            ->check(check_socket_path)
                            ->excludes(stdio);
  lsp_app
      ->add_option("--port", lsp.port, "Over TCP on 127.0.0.1, 0 for a free port, for one client that knows the token on standard output")
      ->type_name("N")
      ->check(check_port)
      ->excludes(stdio)
      ->excludes(socket);

  CLI::App* complete_app = app.add_subcommand("complete", "Complete a file at a cursor");
  complete_app->add_option("file", complete.file, "Source file")->required();
  complete_app->add_option("--at", place, "Cursor, both counted from 1, COL in bytes")
      ->required()
      ->type_name("LINE:COL")
      ->check(check_place);
  complete_app->add_option("--max-bytes", complete.max_bytes, "Longest completion")
      ->check(CLI::Range(std::size_t{1}, kMaxCompletionBytes))
      ->capture_default_str();
  complete_app->add_flag("--no-draft", no_draft, "Plain greedy decoding: the same bytes, more slowly");
  complete_app->add_option("--multiline", multiline, "auto, always or never")
      ->check(CLI::IsMember({"auto", "always", "never"}))
      ->capture_default_str();
  complete_app->add_option("--alternatives", complete.alternatives, "How many different completions")
      ->check(CLI::Range(std::size_t{1}, kMaxAlternatives))
      ->capture_default_str();
  complete_app->add_flag("--raw", complete.raw, "No stop rules but the model's own end and --max-bytes");
  complete_app->add_option("--workspace", complete.workspace,
                           "Folder whose files are remembered, or none (default: the nearest one above FILE that holds .git)");
  complete_app->add_flag("--json", complete.json, "One JSON object");

  CLI::App* inspect_app = app.add_subcommand("inspect", "Describe a model file");
  inspect_app->add_option("model", inspect.model, "Model file")->required();

  CLI::App* doctor_app = app.add_subcommand("doctor", "Check that this machine can complete code");
  doctor_app->add_flag("--network", doctor.network, "List the open sockets of every running octet process instead");
  doctor_app->add_flag("--json", doctor.json, "One JSON object");

  CLI::App* forget_app = app.add_subcommand("forget", "Remove what is remembered of a workspace's files");
  CLI::Option* all = forget_app->add_flag("--all", forget.all, "Of every workspace");
  forget_app->add_option("folder", forget.folder, "The workspace (default: the nearest folder from here up that holds .git, else this one)")
      ->excludes(all);

  try {  // the library reports by throwing
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb (lsp, complete, inspect, doctor or forget)");
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return kExitUsage;
  }

  if (const char* forced = std::getenv("OCTET_FORCE_ISA")) options.runner.forced_isa = forced;
  if (!lsp_app->parsed() && app.count("--log-level") == 0) options.log_level = "warn";  // commands speak for themselves
  if (lsp_app->parsed()) {
    options.command = lsp;
  } else if (complete_app->parsed()) {
    const std::size_t colon = place.find(':');
    complete.line = std::stoul(place.substr(0, colon));
    complete.column = std::stoul(place.substr(colon + 1));
    complete.use_draft = !no_draft;
    complete.multiline = multiline == "always"  ? engine::Multiline::kAlways
                         : multiline == "never" ? engine::Multiline::kNever
                                                : engine::Multiline::kAuto;
    options.command = complete;
  } else if (inspect_app->parsed()) {
    options.command = inspect;
  } else if (doctor_app->parsed()) {
    options.command = doctor;
  } else if (forget_app->parsed()) {
    options.command = forget;
  }
  return options;
}

}  // namespace octet::lsp

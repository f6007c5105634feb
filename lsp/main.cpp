#include <csignal>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/last_words.h"
#include "lsp/log.h"
#include "lsp/options.h"

// Before the constants of other files are made, some of which allocate.
[[gnu::constructor(101)]] static void install_early() { octet::lsp::install_last_words(); }

int main(int argc, char** argv) {
  using namespace octet::lsp;
  std::signal(SIGPIPE, SIG_IGN);  // a reader that went away is a failed write, not the end of the process
  std::signal(SIGXFSZ, SIG_IGN);  // and so is a file that may not grow

  const auto parsed = parse_options(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  const auto& options = std::get<Options>(parsed);
  if (const auto opened = open_log(options.log_level, options.log_file); !opened) {
    write_error(fmt::format("octet: {}\n", opened.error().message));
    return kExitFailed;
  }
  return std::visit(
      [&](const auto& command) {
        using T = std::decay_t<decltype(command)>;
        if constexpr (std::is_same_v<T, CompleteCommand>) return run_complete(options, command);
        if constexpr (std::is_same_v<T, InspectCommand>) return run_inspect(command);
        if constexpr (std::is_same_v<T, DoctorCommand>) return run_doctor(options, command);
        if constexpr (std::is_same_v<T, ForgetCommand>) return run_forget(command);
        if constexpr (std::is_same_v<T, LspCommand>) return run_lsp(options, command);
      },
      options.command);
}

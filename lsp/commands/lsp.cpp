// octet lsp: an editor on the other end of standard input and output, of a Unix socket or of a TCP port.
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nlohmann/json.hpp>

#include "engine/memory/memory_store.h"
#include "engine/model/open_runner.h"
#include "lsp/access_token.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/listening_socket.h"
#include "lsp/process_watch.h"
#include "lsp/server.h"
#include "lsp/socket_transport.h"
#include "lsp/stdio_transport.h"
#include "lsp/xdg_folders.h"

namespace octet::lsp {
namespace {

/// Waits on `listening` and says so: `where` becomes the one line on standard output, which then leads to standard error.
Result<std::unique_ptr<Transport>> announce(boost::asio::io_context& context, ListeningSocket listening, std::string token,
                                            const nlohmann::ordered_json& where) {
  auto transport = open_socket_transport(context, std::move(listening), std::move(token));
  if (!write_output(where.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n")) {
    return fail(ErrorCode::kUnreadable, "standard output: cannot be written, so that no client would know where to connect");
  }
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return transport;
}

Result<std::unique_ptr<Transport>> open_transport(boost::asio::io_context& context, const LspCommand& command) {
  if (!command.socket.empty()) {
    auto listening = ListeningSocket::at_path(command.socket);
    if (!listening) return tl::unexpected(listening.error());
    return announce(context, std::move(*listening), {}, {{"socket", command.socket}});
  }
  if (command.port) {
    auto token = make_access_token();
    if (!token) return tl::unexpected(token.error());
    auto listening = ListeningSocket::on_loopback(*command.port);
    if (!listening) return tl::unexpected(listening.error());
    const auto port = listening->port();
    return announce(context, std::move(*listening), *token, {{"port", port}, {"token", *token}});
  }
  return open_stdio_transport(context);
}

}  // namespace

int run_lsp(const Options& options, const LspCommand& command) {
  boost::asio::io_context context;
  const auto opened = open_transport(context, command);
  if (!opened) {
    write_error(fmt::format("octet lsp: {}\n", opened.error().message));
    return kExitFailed;
  }
  Transport& transport = **opened;
  // Keeps the loop alive while only the engine thread has something to post.
  const auto work = boost::asio::make_work_guard(context);
  std::unique_ptr<ProcessWatch> watch;
  int exit_code = kExitFailed;
  Server server({.send = [&](std::string body) { transport.send(std::move(body)); },
                 .loop = {.post = [&](std::function<void()> run) { boost::asio::post(context, std::move(run)); },
                          .after =
                              [&](std::chrono::milliseconds delay, std::function<void()> run) {
                                auto timer = std::make_shared<boost::asio::steady_timer>(context, delay);
                                timer->async_wait([timer, run = std::move(run)](const boost::system::error_code&) { run(); });
                              }},
                 .exit =
                     [&](int code) {
                       exit_code = code;
                       transport.close([&] { context.stop(); });
                     },
                 .watch_process =
                     [&](int pid) {
                       watch = watch_process(context, pid, [&, pid] {
                         spdlog::info("process {}, which the client named as its own, has ended", pid);
                         exit_code = kExitFailed;
                         context.stop();
                       });
                     },
                 .store_folder = engine::memory_folder(),
                 .state_folder = state_folder()},
                [&](const ModelChoice& choice) {
                  engine::RunnerOptions runner = options.runner;
                  if (!choice.model.empty()) runner.model = choice.model;
                  if (!choice.device.empty()) runner.device = choice.device;
                  if (choice.threads != 0) runner.threads = choice.threads;
                  return engine::open_runner(runner);
                });
  transport.start({.on_message = [&](std::string body) { server.on_message(body); }, .on_disconnect = [&] { server.on_disconnect(); }});
  context.run();
  return exit_code;
}

}  // namespace octet::lsp

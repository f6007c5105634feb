// octet lsp: an editor on the other end of standard input and output.
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "engine/memory/memory_store.h"
#include "engine/model/open_runner.h"
#include "lsp/commands/commands.h"
#include "lsp/server.h"
#include "lsp/stdio_transport.h"

namespace octet::lsp {

int run_lsp(const Options& options) {
  boost::asio::io_context context;
  const auto transport = open_stdio_transport(context);
  // Keeps the loop alive while only the engine thread has something to post.
  const auto work = boost::asio::make_work_guard(context);
  int exit_code = kExitFailed;
  Server server({.send = [&](std::string body) { transport->send(std::move(body)); },
                 .loop = {.post = [&](std::function<void()> run) { boost::asio::post(context, std::move(run)); },
                          .after =
                              [&](std::chrono::milliseconds delay, std::function<void()> run) {
                                auto timer = std::make_shared<boost::asio::steady_timer>(context, delay);
                                timer->async_wait([timer, run = std::move(run)](const boost::system::error_code&) { run(); });
                              }},
                 .exit =
                     [&](int code) {
                       exit_code = code;
                       transport->close([&] { context.stop(); });
                     },
                 .watch_process = nullptr,
                 .store_folder = engine::memory_folder(),
                 .state_folder = {}},
                [&](const ModelChoice& choice) {
                  engine::RunnerOptions runner = options.runner;
                  if (!choice.model.empty()) runner.model = choice.model;
                  if (!choice.device.empty()) runner.device = choice.device;
                  if (choice.threads != 0) runner.threads = choice.threads;
                  return engine::open_runner(runner);
                });
  transport->start({.on_message = [&](std::string body) { server.on_message(body); }, .on_disconnect = [&] { server.on_disconnect(); }});
  context.run();
  return exit_code;
}

}  // namespace octet::lsp

// octet lsp: an editor on the other end of standard input and output.
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

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
                 .post = [&](std::function<void()> run) { boost::asio::post(context, std::move(run)); },
                 .exit =
                     [&](int code) {
                       exit_code = code;
                       transport->close([&] { context.stop(); });
                     },
                 .store_folder = engine::memory_folder()},
                [&] { return engine::open_runner(options.runner); });
  transport->start({.on_message = [&](std::string body) { server.on_message(body); }, .on_disconnect = [&] { server.on_disconnect(); }});
  context.run();
  return exit_code;
}

}  // namespace octet::lsp

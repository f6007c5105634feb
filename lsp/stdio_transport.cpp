#include "lsp/stdio_transport.h"

#include <utility>

#include <unistd.h>

#include "lsp/stream_transport.h"

namespace octet::lsp {

Result<std::unique_ptr<Transport>> open_stdio_transport(boost::asio::io_context& context) {
  engine::FileDescriptor input(::dup(STDIN_FILENO));
  engine::FileDescriptor output(::dup(STDOUT_FILENO));
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return open_stream_transport(context, std::move(input), std::move(output));
}

}  // namespace octet::lsp

// The client on standard input and output.
#pragma once

#include <memory>

#include "bytemodel/result.h"
#include "lsp/transport.h"

namespace boost::asio {
class io_context;
}

namespace octet::lsp {

/// Takes descriptors 0 and 1 for itself: afterwards standard output leads to standard error, so that nothing but the
/// protocol can reach the client. Works with pipes, sockets, files and terminals. Fails with kUnreadable where one of them is not open.
Result<std::unique_ptr<Transport>> open_stdio_transport(boost::asio::io_context& context);

}  // namespace octet::lsp

// The client on two open descriptors, or twice the same: pipes, sockets, files or terminals.
#pragma once

#include <memory>

#include "bytemodel/result.h"
#include "engine/memory/file_descriptor.h"
#include "lsp/message_framer.h"
#include "lsp/transport.h"

namespace boost::asio {
class io_context;
}

namespace octet::lsp {

/// Takes the descriptors for itself. `framer` may hold bytes of the client that were read before: they come first.
/// Fails with kUnreadable where a descriptor is not open.
Result<std::unique_ptr<Transport>> open_stream_transport(boost::asio::io_context& context, engine::FileDescriptor input,
                                                         engine::FileDescriptor output, MessageFramer framer = {});

}  // namespace octet::lsp

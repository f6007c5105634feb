// What a client must know before a TCP port serves it: any program of any user can connect to a port of this machine.
#pragma once

#include <string>
#include <string_view>

#include "bytemodel/result.h"
#include "lsp/json_rpc.h"

namespace octet::lsp {

/// 256 bits of the system's randomness, as 64 hexadecimal digits. Fails with kUnreadable.
Result<std::string> make_access_token();

/// Whether `body` is the request or notification `octet/authenticate` with `token` in `params.token`. Returns the request's id, null
/// for a notification. How long the comparison takes says nothing of the token. Fails with kInvalidArgument and a reason without
/// anything of the message in it.
Result<Json> check_authentication(std::string_view body, std::string_view token);

}  // namespace octet::lsp

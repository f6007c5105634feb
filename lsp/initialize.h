// The handshake: what the client can do, and what the server says of itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "lsp/json_rpc.h"
#include "lsp/position.h"

namespace octet::lsp {

/// A value.
struct InitializeParams {
  PositionEncoding encoding = PositionEncoding::kUtf16;  // the best one that the client offers
  std::vector<std::filesystem::path> folders;            // the workspace's, local ones only
  std::optional<int> parent;                             // the process whose end is the server's
  bool can_register_completion = false;                  // the rest: what the client understands
  bool can_register_watchers = false;
  bool can_configure = false;
  bool has_progress = false;
  bool wants_partials = false;  // octet/inlineCompletionPartial
  bool wants_status = false;    // octet/status and didChangeStatus as notifications
};

/// Fails with kInvalidArgument and a message that names the field.
Result<InitializeParams> parse_initialize(const Json& params);

/// The folders of an array of LSP's WorkspaceFolder; what is no local folder is left out.
std::vector<std::filesystem::path> parse_folders(const Json& array);

/// The result of `initialize`. The completion provider is left out where it is registered later.
Json make_initialize_result(const InitializeParams& client, const std::vector<std::string_view>& commands);

}  // namespace octet::lsp

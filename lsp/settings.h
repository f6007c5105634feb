// What the user and the editor say about the workspace, as values.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lsp/json_rpc.h"

namespace octet::lsp {

/// The folders of `initialize`: workspaceFolders, else rootUri, else rootPath; what is no local folder is left out.
std::vector<std::filesystem::path> workspace_folders(const Json& initialize_params);

/// octet.workspaceMemory, where it is set: in initializationOptions (as workspaceMemory or octet.workspaceMemory) ...
std::optional<bool> memory_of_initialize(const Json& initialize_params);
/// ... or in the settings of workspace/didChangeConfiguration.
std::optional<bool> memory_of_configuration(const Json& configuration_params);

/// octet.minConfidence, from 0 to 1, in the same places; anything else counts as not set.
std::optional<double> min_confidence_of_initialize(const Json& initialize_params);
std::optional<double> min_confidence_of_configuration(const Json& configuration_params);

/// Whether the client lets the server ask for notifications of changed files.
bool can_register_watchers(const Json& initialize_params);

}  // namespace octet::lsp

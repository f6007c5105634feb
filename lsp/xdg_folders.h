// Where octet keeps its own files, after the XDG Base Directory Specification.
#pragma once

#include <filesystem>

namespace octet::lsp {

/// What can be made again, such as the memory of workspaces: `$XDG_CACHE_HOME/octet`, else `$HOME/.cache/octet`.
std::filesystem::path cache_folder();

/// What should last but is no document of anybody's, such as logs and statistics: `$XDG_STATE_HOME/octet`, else
/// `$HOME/.local/state/octet`.
std::filesystem::path state_folder();

// A variable that is no absolute path counts as not set, as the specification demands. Both are empty where no variable is set.

}  // namespace octet::lsp

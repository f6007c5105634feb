// Where log lines go. Never to standard output, and never with text from a document.
#pragma once

#include <filesystem>
#include <string>

#include "bytemodel/result.h"

namespace octet::lsp {

/// Sets up the process's log: `level` is trace, debug, info, warn, error or off; `file` is appended to, or standard error
/// where it is empty. Fails with kInvalidArgument or kUnreadable.
Result<void> open_log(const std::string& level, const std::filesystem::path& file);

}  // namespace octet::lsp

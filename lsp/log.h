// Where log lines go. Never to standard output, and never with text from a document.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "bytemodel/result.h"

namespace octet::lsp {

/// octet.log, octet.1.log and octet.2.log at most: some 50,000 completions, and no disk is filled.
inline constexpr std::size_t kMaxLogFileBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxLogFiles = 3;

/// Sets up the process's log: `level` is trace, debug, info, warn, error or off; `file` is appended to, or standard error where it is
/// empty. A file that is made has mode 0600; one that is full gets a number, and the oldest is removed. What is no regular file is
/// only written to. Fails with kInvalidArgument or kUnreadable.
Result<void> open_log(const std::string& level, const std::filesystem::path& file);

}  // namespace octet::lsp

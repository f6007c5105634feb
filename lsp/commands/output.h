// Results on standard output and errors on standard error, where a failed write is no exception.
#pragma once

#include <cstdio>
#include <string_view>

namespace octet::lsp {

/// Writes and flushes; false when the reader went away or the disk is full.
inline bool write_output(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

/// For people. When even standard error is closed there is nobody to tell.
inline void write_error(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace octet::lsp

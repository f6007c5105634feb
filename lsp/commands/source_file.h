// A file named on the command line and a cursor in it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "bytemodel/result.h"

namespace octet::lsp {

inline constexpr std::size_t kMaxSourceBytes = std::size_t{16} << 20;

/// The whole of a text file. Fails with kNotFound, kUnreadable, kTooLarge (before anything is read) or kUnsupported (it
/// holds a NUL byte: no source text does).
Result<std::string> read_source(const std::filesystem::path& path);

/// The byte offset of a line and a column, both from 1, the column in bytes; the column behind a line's last byte is
/// its end. Fails with kInvalidArgument outside the text or inside a UTF-8 character.
Result<std::size_t> find_cursor(std::string_view text, std::size_t line, std::size_t column);

}  // namespace octet::lsp

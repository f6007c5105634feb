#include "lsp/commands/source_file.h"

#include <algorithm>
#include <fstream>
#include <system_error>

#include <fmt/format.h>

namespace octet::lsp {

Result<std::string> read_source(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path.string()));
  if (!std::filesystem::is_regular_file(status)) return fail(ErrorCode::kUnreadable, fmt::format("{}: not a regular file", path.string()));
  const auto size = std::filesystem::file_size(path, error);
  if (size > kMaxSourceBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{}: {} bytes, at most {} are read", path.string(), size, kMaxSourceBytes));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(size, '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(size))) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read", path.string()));
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) {
    return fail(ErrorCode::kUnsupported, fmt::format("{}: not a text file (NUL byte at offset {})", path.string(), nul));
  }
  return text;
}

Result<std::size_t> find_cursor(std::string_view text, std::size_t line, std::size_t column) {
  if (line == 0 || column == 0) return fail(ErrorCode::kInvalidArgument, "line and column count from 1");
  std::size_t start = 0;
  for (std::size_t current = 1; current < line; ++current) {
    const std::size_t line_end = text.find('\n', start);
    if (line_end == std::string_view::npos) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("line {}: the file has {} lines", line, current));
    }
    start = line_end + 1;
  }
  std::string_view content = text.substr(start, text.find('\n', start) - start);
  if (content.ends_with('\r')) content.remove_suffix(1);
  if (column > content.size() + 1) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("column {}: line {} has {} bytes, so columns 1 to {}", column, line, content.size(), content.size() + 1));
  }
  const std::size_t offset = start + column - 1;
  if (column <= content.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("column {} of line {} lies inside a character", column, line));
  }
  return offset;
}

}  // namespace octet::lsp

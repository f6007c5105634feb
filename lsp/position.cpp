#include "lsp/position.h"

#include <algorithm>

#include "bytemodel/check.h"

namespace octet::lsp {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// Bytes of the character at `offset`: its first byte and the continuation bytes behind it.
std::size_t character_bytes(std::string_view text, std::size_t offset) {
  std::size_t n = 1;
  while (n < 4 && offset + n < text.size() && is_continuation(text[offset + n])) ++n;
  return n;
}

std::uint32_t units(std::size_t n_bytes, PositionEncoding encoding) {
  switch (encoding) {
    case PositionEncoding::kUtf8: return static_cast<std::uint32_t>(n_bytes);
    case PositionEncoding::kUtf16: return n_bytes == 4 ? 2 : 1;
    case PositionEncoding::kUtf32: return 1;
  }
  return 1;
}

/// Where the line that begins at `start` ends, and where the next one begins (npos when it is the last).
struct LineEnd {
  std::size_t end;
  std::size_t next;
};
LineEnd find_line_end(std::string_view text, std::size_t start) {
  std::size_t end = start;
  while (end < text.size() && text[end] != '\n' && text[end] != '\r') ++end;
  if (end == text.size()) return {end, std::string_view::npos};
  const bool is_crlf = text[end] == '\r' && end + 1 < text.size() && text[end + 1] == '\n';
  return {end, end + (is_crlf ? 2 : 1)};
}

}  // namespace

std::string_view to_string(PositionEncoding encoding) {
  switch (encoding) {
    case PositionEncoding::kUtf8: return "utf-8";
    case PositionEncoding::kUtf16: return "utf-16";
    case PositionEncoding::kUtf32: return "utf-32";
  }
  return "utf-16";
}

std::size_t to_offset(std::string_view text, Position position, PositionEncoding encoding) {
  std::size_t start = 0;
  for (std::uint32_t line = 0; line < position.line; ++line) {
    start = find_line_end(text, start).next;
    if (start == std::string_view::npos) return text.size();
  }
  const std::size_t end = find_line_end(text, start).end;
  std::size_t offset = start;
  for (std::uint32_t left = position.character; left > 0 && offset < end;) {
    const std::size_t n_bytes = std::min(character_bytes(text, offset), end - offset);
    if (units(n_bytes, encoding) > left) break;
    left -= units(n_bytes, encoding);
    offset += n_bytes;
  }
  return offset;
}

Position to_position(std::string_view text, std::size_t offset, PositionEncoding encoding) {
  OCTET_CHECK(offset <= text.size());
  Position position;
  std::size_t start = 0;
  LineEnd line_end = find_line_end(text, 0);
  while (line_end.next <= offset) {
    start = line_end.next;
    line_end = find_line_end(text, start);
    ++position.line;
  }
  const std::size_t end = std::min(offset, line_end.end);
  while (start < end) {
    const std::size_t n_bytes = character_bytes(text, start);
    if (start + n_bytes > end) break;
    position.character += units(n_bytes, encoding);
    start += n_bytes;
  }
  return position;
}

}  // namespace octet::lsp

// LSP positions (line and character in the negotiated encoding) to byte offsets and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet::lsp {

/// What a `character` counts: UTF-8 bytes, UTF-16 code units or code points.
enum class PositionEncoding { kUtf8, kUtf16, kUtf32 };
/// As LSP names it: "utf-8", ...
std::string_view to_string(PositionEncoding encoding);

struct Position {
  std::uint32_t line = 0;
  std::uint32_t character = 0;
  bool operator==(const Position&) const = default;
};

/// `text` is UTF-8. Lines end with \n, \r\n or \r. A position beyond its line means the line's end (before the line
/// ending), beyond the last line the end of the text, inside a character the character's start.
std::size_t to_offset(std::string_view text, Position position, PositionEncoding encoding);

/// The position of a byte offset that is at most text.size(); an offset inside a character counts as its start, one
/// between \r and \n as the line's end.
Position to_position(std::string_view text, std::size_t offset, PositionEncoding encoding);

}  // namespace octet::lsp

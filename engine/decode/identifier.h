// What words of source text consist of, and what stands between them in a line.
#pragma once

namespace octet::engine {

/// Bytes above ASCII count as letters: identifiers may have them.
constexpr bool is_identifier_byte(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

}  // namespace octet::engine

// What a word of source text consists of.
#pragma once

namespace octet::engine {

/// Bytes above ASCII count as letters: identifiers may have them.
constexpr bool is_identifier_byte(char c) {
  return static_cast<unsigned char>(c) >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace octet::engine

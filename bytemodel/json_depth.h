// The guards in front of every JSON parser here, without recursion or allocation: how deep a text nests, and whether it
// holds a NUL byte, which the parser would take for the text's end.
#pragma once

#include <cstddef>
#include <string_view>

namespace octet {

inline constexpr std::size_t kMaxJsonDepth = 64;

/// True when `text` opens more than `max_depth` arrays and objects at once. Brackets inside strings do not count; the
/// text need not be valid JSON. One pass, O(1) memory; stops at the first level too deep.
constexpr bool json_depth_exceeds(std::string_view text, std::size_t max_depth = kMaxJsonDepth) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_depth) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

/// True when `text` holds a NUL byte; JSON never does.
constexpr bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

}  // namespace octet

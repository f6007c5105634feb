// The control symbols of the byte vocabulary: byte values that cannot occur in UTF-8 text (FORMAT.md).
#pragma once

#include <cstdint>

namespace octet {

inline constexpr std::uint8_t kPad = 0xFF;     // padding, never predicted
inline constexpr std::uint8_t kFile = 0xFE;    // a document begins: path, '\n'
inline constexpr std::uint8_t kSuffix = 0xFD;  // the text behind the cursor follows
inline constexpr std::uint8_t kPrefix = 0xFC;  // the text before the cursor follows, the completion continues it
inline constexpr std::uint8_t kEnd = 0xFB;     // the completion, or the document, is over

/// True for the five symbols above and the reserved values C0, C1 and F5 to FA: whatever a text must never contain.
constexpr bool is_control_byte(std::uint8_t byte) { return byte >= 0xF5 || byte == 0xC0 || byte == 0xC1; }

}  // namespace octet

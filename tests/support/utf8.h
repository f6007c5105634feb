// An independent judge of UTF-8: decodes code points instead of following byte ranges.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet::tests {

inline bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t n = lead < 0x80 ? 1 : lead >> 5 == 0x6 ? 2 : lead >> 4 == 0xE ? 3 : lead >> 3 == 0x1E ? 4 : 0;
    if (n == 0 || i + n > text.size()) return false;
    std::uint32_t point = n == 1 ? lead : lead & (0xFFU >> (n + 1));
    for (std::size_t j = 1; j < n; ++j) {
      const auto byte = static_cast<unsigned char>(text[i + j]);
      if (byte >> 6 != 2) return false;
      point = point << 6 | (byte & 0x3FU);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (point < kSmallest[n] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) return false;
    i += n;
  }
  return true;
}

}  // namespace octet::tests

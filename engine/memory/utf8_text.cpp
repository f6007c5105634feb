#include "engine/memory/utf8_text.h"

#include <algorithm>
#include <cstdint>

#include "bytemodel/control_bytes.h"
#include "engine/decode/utf8_gate.h"

namespace octet::engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes of the character that `text` begins with; 0 where it is broken, and then `n_broken` bytes are.
std::size_t character_bytes(std::string_view text, std::size_t& n_broken) {
  Utf8State state;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (is_control_byte(byte) || !state.allowed()[byte]) {
      n_broken = std::max<std::size_t>(i, 1);
      return 0;
    }
    state.advance(byte);
    if (state.at_boundary()) return i + 1;
  }
  n_broken = text.size();
  return 0;
}

}  // namespace

std::optional<std::string> mended_utf8(std::string_view text, std::size_t max_broken) {
  std::string out;
  out.reserve(text.size() + max_broken * kReplacement.size());
  std::size_t n_mended = 0;
  while (!text.empty()) {
    const auto non_ascii = std::find_if(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    const auto n_ascii = static_cast<std::size_t>(non_ascii - text.begin());
    out += text.substr(0, n_ascii);
    text.remove_prefix(n_ascii);
    if (text.empty()) break;
    std::size_t n_broken = 0;
    if (const std::size_t n_bytes = character_bytes(text, n_broken); n_bytes > 0) {
      out += text.substr(0, n_bytes);
      text.remove_prefix(n_bytes);
      continue;
    }
    if (++n_mended > max_broken) return std::nullopt;
    out += kReplacement;
    text.remove_prefix(n_broken);
  }
  return out;
}

}  // namespace octet::engine

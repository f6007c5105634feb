#include "engine/decode/output_guard.h"

#include <algorithm>
#include <array>
#include <utility>

#include <utf8proc.h>

namespace octet::engine {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

/// Default_Ignorable_Code_Point without U+FE0E and U+FE0F, all controls but tab, line feed and carriage return, and U+2028 and U+2029.
constexpr std::array kUnsafe = {
    Range{0x0000, 0x0008},    // C0
    Range{0x000B, 0x000C},    // vertical tab, form feed
    Range{0x000E, 0x001F},    //
    Range{0x007F, 0x009F},    // DEL, C1
    Range{0x00AD, 0x00AD},    // soft hyphen
    Range{0x034F, 0x034F},    // combining grapheme joiner
    Range{0x061C, 0x061C},    // Arabic letter mark
    Range{0x115F, 0x1160},    // Hangul fillers
    Range{0x17B4, 0x17B5},    // Khmer inherent vowels
    Range{0x180B, 0x180F},    // Mongolian variation selectors and vowel separator
    Range{0x200B, 0x200F},    // zero-width space and joiners, directional marks
    Range{0x2028, 0x202E},    // line and paragraph separators, directional embeddings and overrides
    Range{0x2060, 0x206F},    // word joiner, invisible operators, directional isolates
    Range{0x3164, 0x3164},    // Hangul filler
    Range{0xFE00, 0xFE0D},    // variation selectors
    Range{0xFEFF, 0xFEFF},    // byte order mark
    Range{0xFFA0, 0xFFA0},    // half-width Hangul filler
    Range{0xFFF0, 0xFFFB},    // reserved, interlinear annotation
    Range{0x1BCA0, 0x1BCA3},  // shorthand format controls
    Range{0x1D173, 0x1D17A},  // musical format controls
    Range{0xE0000, 0xE0FFF},  // tags, more variation selectors
};

constexpr bool is_variation_selector(std::uint32_t point) { return point == 0xFE0E || point == 0xFE0F; }

std::uint32_t decode(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character.front());
  if (character.size() == 1) return lead;
  std::uint32_t point = lead & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3FU);
  return point;
}

bool is_visible(std::uint32_t point) {
  if (point <= ' ' || is_variation_selector(point)) return false;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(point));
  return category != UTF8PROC_CATEGORY_ZS && category != UTF8PROC_CATEGORY_CN;
}

}  // namespace

bool is_unsafe(std::uint32_t code_point) {
  const auto* range =
      std::lower_bound(kUnsafe.begin(), kUnsafe.end(), code_point, [](const Range& r, std::uint32_t p) { return r.last < p; });
  return range != kUnsafe.end() && range->first <= code_point;
}

Ruling OutputGuard::next(std::string_view character, double /*probability*/) {
  const std::uint32_t point = decode(character);
  const std::uint32_t previous = std::exchange(last_, point);
  if (previous == '\r' && point != '\n') return {n_held_ + 1, StopReason::kUnsafeText};
  const bool begins_grapheme = previous == 0 || utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(previous),
                                                                                 static_cast<utf8proc_int32_t>(point), &break_state_);
  if (begins_grapheme) n_held_ = 0;
  if (is_unsafe(point) || (is_variation_selector(point) && !is_visible(previous))) return {n_held_ + 1, StopReason::kUnsafeText};
  // What may still follow an ASCII character and belong to it is a mark, and the character is whole without it.
  n_held_ = point < 0x80 && point != '\r' ? 0 : n_held_ + 1;
  return {n_held_, std::nullopt};
}

Ruling OutputGuard::end(StopReason reason) { return {is_whole(reason) && last_ != '\r' ? 0 : n_held_, std::nullopt}; }

}  // namespace octet::engine

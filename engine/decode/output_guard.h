// What never reaches an editor: text that nobody can see, or that changes how other text is read, and half of a grapheme.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/decode/text_rule.h"

namespace octet::engine {

/// Whether a character is one of those, whatever stands beside it: controls but tab and line ends, bidirectional controls, separators
/// of lines that are no line ends, tags, and all that is invisible by default. U+FE0E and U+FE0F are decided by what they follow.
bool is_unsafe(std::uint32_t code_point);

/// Ends the completion before the first of them, and before a carriage return without its line feed. A grapheme beyond ASCII leaves
/// when it can no longer go on; where the completion is cut short, one that might is given up.
/// Source: The Unicode Standard, Default_Ignorable_Code_Point; Unicode Standard Annex 29 (by utf8proc).
class OutputGuard final : public TextRule {
 public:
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason reason) override;

 private:
  std::uint32_t last_ = 0;  // code point; 0: none
  int break_state_ = 0;     // utf8proc's
  std::size_t n_held_ = 0;  // characters of the grapheme
};

}  // namespace octet::engine

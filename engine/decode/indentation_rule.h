// Lines are indented as the document's are.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/decode/text_rule.h"

namespace octet::engine {

/// How a text is indented, as far as it shows.
struct IndentationStyle {
  enum class Kind { kUnknown, kTabs, kSpaces } kind = Kind::kUnknown;
  std::size_t width = 0;  // spaces of a level; 0: not known

  /// Of the lines around `cursor`, up to 32 KiB before and behind. Nine lines of ten must agree.
  static IndentationStyle of(std::string_view text, std::size_t cursor);
};

/// The completion ends before a line that is indented by spaces where the document has tabs, by tabs where it has spaces, or that
/// goes deeper behind a line that opened a block by other than one level.
class IndentationRule final : public TextRule {
 public:
  IndentationRule(std::string_view text, std::size_t cursor);
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason /*reason*/) override { return {}; }

 private:
  bool fits(std::size_t n_tabs, std::size_t n_spaces) const;

  IndentationStyle style_;
  std::size_t n_tabs_ = 0;  // of the line that is being written
  std::size_t n_spaces_ = 0;
  std::size_t n_tabs_before_ = 0;  // of the last line that is not blank
  std::size_t n_spaces_before_ = 0;
  char last_visible_ = '\0';  // of that line
  bool is_indent_ = false;    // only white space so far
  bool is_new_line_ = false;  // begun by the completion
  std::size_t n_held_ = 0;    // characters from the line end on
};

}  // namespace octet::engine

// Where a completion ends, judged by lines and their indentation.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/decode/text_rule.h"

namespace octet::engine {

/// Line ends and indentation are held back until the first character of the next line shows whether that line belongs to the completion.
///
/// - Line: up to the line's end.
/// - Block: lines indented at least as deep as the cursor's. Ends before a blank line or a dedent. Where the cursor's own
///   line opens the block, its lines must be deeper, and a line that begins with the closing bracket is the last.
class StopRules final : public TextRule {
 public:
  /// Rules for a completion at `cursor`.
  StopRules(std::string_view text, std::size_t cursor, Multiline multiline);

  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason reason) override;

 private:
  Ruling hold() { return {++n_held_, std::nullopt}; }
  Ruling release();
  Ruling stop(StopReason reason) const { return {n_held_ + 1, reason}; }
  std::optional<StopReason> first_of_line(char c);

  bool is_block_;
  bool is_rest_blank_;  // of the cursor's line
  std::size_t n_held_ = 0;
  std::size_t reference_indent_ = 0;   // of the cursor's line, in columns
  bool is_cursor_line_blank_ = false;  // only white space so far, the completion's included
  bool cursor_line_opens_ = false;     // the cursor's line opens the block that is being written
  bool opened_at_reference_ = false;   // a line at the reference indentation opened a block that is not closed yet
  bool is_last_line_ = false;
  bool at_line_start_ = false;  // only white space since the last line end
  bool is_first_line_ = true;
  std::size_t indent_ = 0;    // of the current line
  char last_visible_ = '\0';  // of the current line, to see whether it opens a block
};

}  // namespace octet::engine

#include "engine/decode/stop_rules.h"

#include "engine/context/document.h"

namespace octet::engine {
namespace {

constexpr std::size_t kTabColumns = 4;  // only compared with other lines of the same file
constexpr std::string_view kBlank = " \t";

std::size_t indent_columns(std::string_view line) {
  std::size_t columns = 0;
  for (const char c : line) {
    if (c == '\t') {
      columns += kTabColumns;
    } else if (c == ' ') {
      ++columns;
    } else {
      break;
    }
  }
  return columns;
}

bool is_opener(char c) { return c == '{' || c == '(' || c == '[' || c == ':'; }
bool is_closer(char c) { return c == '}' || c == ')' || c == ']'; }

}  // namespace

StopRules::StopRules(std::string_view text, std::size_t cursor, Multiline multiline) {
  const std::string_view before = line_before(text, cursor);
  const std::string_view behind = line_behind(text, cursor);
  is_rest_blank_ = behind.find_first_not_of(kBlank) == std::string_view::npos;
  const std::size_t last = before.find_last_not_of(kBlank);
  is_cursor_line_blank_ = last == std::string_view::npos;
  reference_indent_ = indent_columns(before);
  cursor_line_opens_ = !is_cursor_line_blank_ && is_opener(before[last]);
  opened_at_reference_ = cursor_line_opens_;
  if (!is_cursor_line_blank_) last_visible_ = before[last];

  // Text behind the cursor is in the way of further lines, unless it is what an editor closed by itself.
  const bool has_room = behind.find_first_not_of(" \t)]};,:\"'`") == std::string_view::npos;
  is_block_ =
      multiline == Multiline::kAlways || (multiline == Multiline::kAuto && has_room && (is_cursor_line_blank_ || cursor_line_opens_));
}

Ruling StopRules::release() {
  n_held_ = 0;
  return {};
}

/// A line that was only begun is the completion's where the model ends and text of the cursor's line is to follow there.
Ruling StopRules::end(StopReason reason) { return {reason == StopReason::kEnd && !is_rest_blank_ ? 0 : n_held_, std::nullopt}; }

Ruling StopRules::next(std::string_view character, double /*probability*/) {
  const char c = character.front();
  if (c == '\r') return hold();
  if (c == '\n') {
    if (!is_block_) return stop(StopReason::kLineEnd);
    if (is_last_line_) return stop(StopReason::kBlockEnd);
    if (at_line_start_) return stop(StopReason::kBlankLine);
    const std::size_t line_indent = is_first_line_ ? reference_indent_ : indent_;
    if (line_indent == reference_indent_ && is_opener(last_visible_)) opened_at_reference_ = true;
    at_line_start_ = true;
    is_first_line_ = false;
    is_cursor_line_blank_ = false;
    indent_ = 0;
    return hold();
  }
  if (is_cursor_line_blank_) {
    // The model may begin with the indentation that the user has not typed.
    if (c == ' ' || c == '\t') {
      reference_indent_ += c == '\t' ? kTabColumns : 1;
      return release();
    }
    is_cursor_line_blank_ = false;
  }
  if (at_line_start_) {
    if (c == ' ' || c == '\t') {
      indent_ += c == '\t' ? kTabColumns : 1;
      return hold();
    }
    at_line_start_ = false;
    if (const auto reason = first_of_line(c)) return stop(*reason);
  }
  if (kBlank.find(c) == std::string_view::npos) last_visible_ = c;
  return release();
}

/// Why a line of indentation indent_ that begins with `c` does not belong to the block, if so.
std::optional<StopReason> StopRules::first_of_line(char c) {
  if (indent_ > reference_indent_) return std::nullopt;
  if (indent_ < reference_indent_) return StopReason::kDedent;
  if (opened_at_reference_ && is_closer(c)) {
    opened_at_reference_ = false;
    is_last_line_ = cursor_line_opens_;
    return std::nullopt;
  }
  return cursor_line_opens_ ? std::optional(StopReason::kDedent) : std::nullopt;
}

}  // namespace octet::engine

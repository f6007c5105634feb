#include "engine/decode/indentation_rule.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "engine/context/document.h"
#include "engine/decode/identifier.h"

namespace octet::engine {
namespace {

constexpr std::size_t kReach = std::size_t{32} << 10;
constexpr std::size_t kMaxWidth = 8;

/// A bracket's lines may also be aligned with what stands behind it.
bool opens_block(char c) { return c == '{' || c == ':'; }

}  // namespace

IndentationStyle IndentationStyle::of(std::string_view text, std::size_t cursor) {
  const std::size_t begin = cursor > kReach ? cursor - kReach : 0;
  std::string_view rest = text.substr(begin, cursor - begin + kReach);
  std::size_t n_tabs = 0;
  std::size_t n_spaces = 0;
  std::array<std::size_t, kMaxWidth + 1> n_of_width{};
  std::size_t n_widths = 0;
  std::size_t before = 0;
  bool has_opened = false;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t last = line.find_last_not_of(" \t\r");
    if (last == std::string_view::npos) continue;
    if (line.front() == '\t') ++n_tabs;
    if (line.starts_with("  ")) ++n_spaces;
    if (has_opened && line.front() != '\t' && indent > before && indent - before <= kMaxWidth) {
      ++n_of_width[indent - before];
      ++n_widths;
    }
    before = indent;
    has_opened = opens_block(line[last]);
  }
  IndentationStyle style;
  if (n_tabs > 0 && n_tabs >= 9 * n_spaces) style.kind = Kind::kTabs;
  if (n_spaces > 0 && n_spaces >= 9 * n_tabs) style.kind = Kind::kSpaces;
  const auto most = std::ranges::max_element(n_of_width);
  if (style.kind == Kind::kSpaces && *most * 10 >= n_widths * 9 && n_widths >= 3) {
    style.width = static_cast<std::size_t>(std::distance(n_of_width.begin(), most));
  }
  return style;
}

IndentationRule::IndentationRule(std::string_view text, std::size_t cursor) : style_(IndentationStyle::of(text, cursor)) {
  const std::string_view before = line_before(text, cursor);
  is_indent_ = true;
  for (const char c : before) {
    if (is_indent_ && c == '\t') ++n_tabs_;
    if (is_indent_ && c == ' ') ++n_spaces_;
    if (!is_blank(c)) {
      is_indent_ = false;
      last_visible_ = c;
    }
  }
  n_tabs_before_ = n_tabs_;
  n_spaces_before_ = n_spaces_;
}

bool IndentationRule::fits(std::size_t n_tabs, std::size_t n_spaces) const {
  using Kind = IndentationStyle::Kind;
  if (style_.kind == Kind::kUnknown) return true;
  if (style_.kind == Kind::kSpaces && n_tabs > 0) return false;
  // Behind tabs, spaces align.
  if (style_.kind == Kind::kTabs && n_tabs == 0 && n_spaces > 1) return false;
  if (!is_new_line_ || !opens_block(last_visible_)) return true;
  if (style_.kind == Kind::kTabs) return n_tabs <= n_tabs_before_ + 1;
  return style_.width == 0 || n_spaces <= n_spaces_before_ || n_spaces == n_spaces_before_ + style_.width;
}

Ruling IndentationRule::next(std::string_view character, double /*probability*/) {
  const char c = character.front();
  if (c == '\n') {
    is_indent_ = is_new_line_ = true;
    n_tabs_ = n_spaces_ = 0;
    return {++n_held_, std::nullopt};
  }
  if (is_indent_ && is_blank(c)) {
    n_tabs_ += c == '\t' ? 1 : 0;
    n_spaces_ += c == ' ' ? 1 : 0;
    return {++n_held_, std::nullopt};
  }
  if (is_indent_) {
    is_indent_ = false;
    if (!fits(n_tabs_, n_spaces_)) return {n_held_ + 1, StopReason::kSyntax};
    n_tabs_before_ = n_tabs_;
    n_spaces_before_ = n_spaces_;
  }
  if (!is_blank(c)) last_visible_ = c;
  n_held_ = 0;
  return {};
}

}  // namespace octet::engine

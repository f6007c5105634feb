#include "engine/syntax/syntax_tree.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "engine/syntax/parser.h"

namespace octet::engine {
namespace {

using namespace std::string_view_literals;

/// A text that was given up so often is left for the next one. Until then it is finished first, so that a large document has a tree once
/// although it is typed in.
constexpr int kMostGivenUp = 16;

/// What the text in a node of this kind is; nothing: what it is around the node.
std::optional<TextKind> text_kind_of(std::string_view node_kind) {
  constexpr std::array kCodeInStrings{"arithmetic_expansion"sv, "command_substitution"sv, "expansion"sv,
                                      "interpolation"sv,        "process_substitution"sv, "simple_expansion"sv,
                                      "string_interpolation"sv, "template_substitution"sv};
  constexpr std::array kWithStrings{"concatenated_string"sv, "herestring_redirect"sv};
  constexpr std::array kOtherStrings{"char_literal"sv, "character_literal"sv, "heredoc_body"sv};
  const auto is_one_of = [node_kind](const auto& kinds) { return std::ranges::find(kinds, node_kind) != kinds.end(); };
  if (node_kind.find("comment") != std::string_view::npos) return TextKind::kComment;
  if (is_one_of(kCodeInStrings)) return TextKind::kCode;
  if (is_one_of(kOtherStrings)) return TextKind::kString;
  if (node_kind.find("string") != std::string_view::npos && !is_one_of(kWithStrings)) return TextKind::kString;
  return std::nullopt;
}

/// A comment that begins so ends with its line; others end with what closes them.
bool is_line_comment(std::string_view comment) {
  return !comment.starts_with("/*") && !comment.starts_with("--[[") && !comment.starts_with("--[=");
}

}  // namespace

struct SyntaxTree::State {
  const Language& language;
  Parser parser;
  Tree tree;
  std::shared_ptr<const std::string> text = std::make_shared<const std::string>();
  std::shared_ptr<const std::string> unfinished;  // its parse was begun from `tree`, which knows of the edit
  int n_given_up = 0;
};

SyntaxTree::SyntaxTree(const Language& language) : state_(new State{language, Parser(language), nullptr, {}, nullptr, 0}) {
  state_->text = std::make_shared<const std::string>();
}
SyntaxTree::SyntaxTree(SyntaxTree&&) noexcept = default;
SyntaxTree& SyntaxTree::operator=(SyntaxTree&&) noexcept = default;
SyntaxTree::~SyntaxTree() = default;

bool SyntaxTree::update(const std::shared_ptr<const std::string>& text, const GiveUp& gives_up) {
  State& s = *state_;
  while (s.unfinished || !s.tree || s.text != text) {
    const bool is_hopeless = s.unfinished && s.n_given_up >= kMostGivenUp && *s.unfinished != *text;
    if (!s.unfinished || is_hopeless) {
      if (is_hopeless) s.parser.forget();
      if (s.tree) {
        const TSInputEdit edit = edit_between(is_hopeless ? *s.unfinished : *s.text, *text, 0, {0, 0});
        ts_tree_edit(s.tree.get(), &edit);
      }
      s.unfinished = text;
      s.n_given_up = 0;
    }
    Tree parsed = s.parser.parse({{*s.unfinished, {}, {}}}, s.tree.get(), gives_up);
    if (!parsed) {
      ++s.n_given_up;
      return false;
    }
    s.tree = std::move(parsed);
    s.text = std::exchange(s.unfinished, nullptr);
    if (*s.text == *text) s.text = text;
  }
  return true;
}

const Language& SyntaxTree::language() const { return state_->language; }
const std::string& SyntaxTree::text() const { return *state_->text; }
const TSTree* SyntaxTree::tree() const { return state_->unfinished ? nullptr : state_->tree.get(); }

TextKind SyntaxTree::kind_at(std::size_t cursor) const {
  if (tree() == nullptr || cursor == 0) return TextKind::kCode;
  // From the root to the byte before the cursor: a person writes on there. What ends at the cursor is over, but for a line's comment.
  // Downwards, because each step upwards begins at the root, and a tree may be as deep as its text is long.
  const auto at = static_cast<std::uint32_t>(cursor);
  TextKind kind = TextKind::kCode;
  TSTreeCursor walk = ts_tree_cursor_new(ts_tree_root_node(tree()));
  do {
    const TSNode node = ts_tree_cursor_current_node(&walk);
    if (ts_node_start_byte(node) >= at) break;
    const std::optional<TextKind> inside = ts_node_is_named(node) ? text_kind_of(ts_node_type(node)) : std::nullopt;
    const bool goes_on = ts_node_end_byte(node) > at;
    if (inside == TextKind::kComment) {
      const bool is_open =
          goes_on || (is_line_comment(std::string_view(text()).substr(ts_node_start_byte(node))) && text()[cursor - 1] != '\n');
      kind = is_open ? TextKind::kComment : kind;
      break;
    }
    if (inside && goes_on) kind = *inside;
  } while (ts_tree_cursor_goto_first_child_for_byte(&walk, at - 1) >= 0);
  ts_tree_cursor_delete(&walk);
  return kind;
}

std::string SyntaxTree::to_text() const {
  std::string out;
  if (tree() == nullptr) return out;
  TSTreeCursor cursor = ts_tree_cursor_new(ts_tree_root_node(tree()));
  for (bool is_going_on = true; is_going_on;) {
    const TSNode node = ts_tree_cursor_current_node(&cursor);
    const TSPoint start = ts_node_start_point(node);
    const char* mark = ts_node_is_missing(node) ? "missing " : "";
    fmt::format_to(std::back_inserter(out), "({}{} {}-{} {}:{}", mark, ts_node_type(node), ts_node_start_byte(node), ts_node_end_byte(node),
                   start.row, start.column);
    if (ts_tree_cursor_goto_first_child(&cursor)) continue;
    out += ')';
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (!ts_tree_cursor_goto_parent(&cursor)) {
        is_going_on = false;
        break;
      }
      out += ')';
    }
  }
  ts_tree_cursor_delete(&cursor);
  return out;
}

}  // namespace octet::engine

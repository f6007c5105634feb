#include "engine/syntax/syntax_tree.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/syntax/parser.h"

namespace octet::engine {
namespace {

/// What differs between two texts: all before and behind is the same.
TSInputEdit difference(std::string_view before, std::string_view after) {
  const std::size_t common = std::min(before.size(), after.size());
  const auto start = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(common), after.begin()).first - before.begin());
  std::size_t end = 0;
  while (end < common - start && before[before.size() - 1 - end] == after[after.size() - 1 - end]) ++end;
  TSInputEdit edit{};
  edit.start_byte = static_cast<std::uint32_t>(start);
  edit.old_end_byte = static_cast<std::uint32_t>(before.size() - end);
  edit.new_end_byte = static_cast<std::uint32_t>(after.size() - end);
  edit.start_point = point_behind({0, 0}, before.substr(0, start));
  edit.old_end_point = point_behind(edit.start_point, before.substr(start, edit.old_end_byte - start));
  edit.new_end_point = point_behind(edit.start_point, after.substr(start, edit.new_end_byte - start));
  return edit;
}

}  // namespace

struct SyntaxTree::State {
  const Language& language;
  Parser parser;
  Tree tree;
  std::shared_ptr<const std::string> text = std::make_shared<const std::string>();
  std::shared_ptr<const std::string> unfinished;  // its parse was begun from `tree`, which knows of the edit
};

SyntaxTree::SyntaxTree(const Language& language) : state_(new State{language, Parser(language), nullptr, {}, nullptr}) {
  state_->text = std::make_shared<const std::string>();
}
SyntaxTree::SyntaxTree(SyntaxTree&&) noexcept = default;
SyntaxTree& SyntaxTree::operator=(SyntaxTree&&) noexcept = default;
SyntaxTree::~SyntaxTree() = default;

bool SyntaxTree::update(const std::shared_ptr<const std::string>& text, const GiveUp& gives_up) {
  State& s = *state_;
  while (s.unfinished || !s.tree || s.text != text) {
    if (!s.unfinished) {
      if (s.tree) {
        const TSInputEdit edit = difference(*s.text, *text);
        ts_tree_edit(s.tree.get(), &edit);
      }
      s.unfinished = text;
    }
    Tree parsed = s.parser.parse({{*s.unfinished, {}, {}}}, s.tree.get(), gives_up);
    if (!parsed) return false;
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
  // The node of the byte before the cursor: a person writes on there. A closing quote ends the string.
  const auto at = static_cast<std::uint32_t>(cursor);
  for (TSNode node = ts_node_descendant_for_byte_range(ts_tree_root_node(tree()), at - 1, at); !ts_node_is_null(node);
       node = ts_node_parent(node)) {
    const std::string_view kind = ts_node_type(node);
    const bool goes_on = ts_node_end_byte(node) > at;
    if (kind.find("comment") != std::string_view::npos) {
      const bool is_block = text().compare(ts_node_start_byte(node), 2, "/*") == 0;
      return goes_on || !is_block ? TextKind::kComment : TextKind::kCode;
    }
    if (kind.find("string") != std::string_view::npos && ts_node_is_named(node)) {
      if (kind.find("interpolation") != std::string_view::npos) return TextKind::kCode;
      return goes_on ? TextKind::kString : TextKind::kCode;
    }
    if (kind == "interpolation" || kind == "template_substitution" || kind == "string_expansion") return TextKind::kCode;
  }
  return TextKind::kCode;
}

}  // namespace octet::engine

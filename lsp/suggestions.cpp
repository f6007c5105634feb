#include "lsp/suggestions.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace octet::lsp {

std::optional<std::vector<std::string>> remaining(const Suggestion& suggestion, const engine::DocumentSnapshot& document,
                                                  std::size_t cursor) {
  const std::string_view then = suggestion.document.view();
  const std::string_view now = document.view();
  const std::size_t start = suggestion.cursor;
  if (document.uri != suggestion.document.uri || cursor < start || cursor - start + then.size() != now.size()) return std::nullopt;
  if (now.substr(cursor) != then.substr(start) || now.substr(0, start) != then.substr(0, start)) return std::nullopt;
  const std::string_view typed = now.substr(start, cursor - start);
  std::vector<std::string> left;
  for (const std::string& text : suggestion.texts) {
    if (text.starts_with(typed)) left.push_back(text.substr(typed.size()));
  }
  if (left.empty()) return std::nullopt;
  return left;
}

void SuggestionMemory::add(Suggestion suggestion) {
  if (suggestions_.size() == kMax) suggestions_.pop_back();
  suggestions_.push_front(std::move(suggestion));
}

std::optional<SuggestionMemory::Found> SuggestionMemory::find(const engine::DocumentSnapshot& document, std::size_t cursor,
                                                              bool with_alternatives, const engine::WorkspaceSnapshot* workspace) const {
  for (const Suggestion& suggestion : suggestions_) {
    if (with_alternatives && !suggestion.has_alternatives) continue;
    if (cursor == suggestion.cursor && suggestion.workspace.get() != workspace) continue;
    auto left = remaining(suggestion, document, cursor);
    if (!left) continue;
    std::erase(*left, "");
    if (!left->empty()) return Found{suggestion.number, std::move(*left)};
  }
  return std::nullopt;
}

}  // namespace octet::lsp

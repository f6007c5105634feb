#include "benchmarks/quality/suggesting_editor.h"

#include "lsp/inline_completion.h"

namespace octet::benchmarks {

std::string SuggestingEditor::suggestion(std::string_view written) {
  std::string text = *empty_;
  text.insert(begin_, written);
  request_.document.text = std::make_shared<const std::string>(std::move(text));
  request_.cursor = begin_ + written.size();
  if (!lsp::has_room(request_.document.view(), request_.cursor)) return {};
  if (auto found = memory_.find(request_.document, request_.cursor, /*with_alternatives=*/false, request_.workspace.get())) {
    ++n_from_memory_;
    return std::move(found->texts.front());
  }
  const auto result = completer_.complete(request_, {}, {});
  ++n_computed_;
  if (!result.text.empty()) {
    memory_.add({n_computed_, request_.document, request_.cursor, {result.text}, /*has_alternatives=*/false, request_.workspace});
  }
  return result.text;
}

}  // namespace octet::benchmarks

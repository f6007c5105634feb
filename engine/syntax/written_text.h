// What the syntax makes of a text that is being written into a document.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/syntax/syntax_tree.h"

namespace octet::engine {

/// One completion's. The document's text must outlive it.
class WrittenText {
 public:
  /// `tree` has a tree, of the document that the text is written into at `cursor`.
  WrittenText(const SyntaxTree& tree, std::size_t cursor);
  WrittenText(WrittenText&&) noexcept;
  ~WrittenText();

  /// How many places of the document break its grammar with `written` at the cursor; nothing where that takes too long. Cheap where
  /// `written` goes on from the last call's.
  std::optional<std::size_t> n_errors(std::string_view written);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet::engine

// What was suggested, kept so that who types it on needs no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/completion.h"

namespace octet::lsp {

/// The texts for one place. A value; the document is shared.
struct Suggestion {
  std::uint64_t number = 0;  // names it
  engine::DocumentSnapshot document;
  std::size_t cursor = 0;
  std::vector<std::string> texts;                              // different ones, best first
  bool has_alternatives = false;                               // they were asked for
  std::shared_ptr<const engine::WorkspaceSnapshot> workspace;  // what the memory knew
};

/// What is left of the texts where the cursor of `document` has come to since: those that begin with what was typed, without that, maybe
/// empty. Nothing where anything else in the document differs from the suggestion's, or no text begins so.
std::optional<std::vector<std::string>> remaining(const Suggestion& suggestion, const engine::DocumentSnapshot& document,
                                                  std::size_t cursor);

/// The last suggestions of all documents. Main thread.
class SuggestionMemory {
 public:
  struct Found {
    std::uint64_t number;
    std::vector<std::string> texts;  // what is left, not empty each
  };

  void add(Suggestion suggestion);
  /// The newest one that has something left; only among those with alternatives where these are wanted. Who asks again at the same place
  /// when the memory knows more than it did gets nothing: the answer may be another one.
  std::optional<Found> find(const engine::DocumentSnapshot& document, std::size_t cursor, bool with_alternatives,
                            const engine::WorkspaceSnapshot* workspace) const;
  void clear() { suggestions_.clear(); }

  /// Enough to go back some keys; each holds its document's text.
  static constexpr std::size_t kMax = 8;

 private:
  std::deque<Suggestion> suggestions_;  // newest first
};

}  // namespace octet::lsp

// Where a completion ends so that the document is as well formed with it as it was without.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/decode/text_rule.h"
#include "engine/syntax/written_text.h"

namespace octet::engine {

/// The completion ends where it breaks the grammar in the fewest places, and in none more than the document did without it: behind the last
/// such word or closer. A tree is asked about whole lines, about closers and separators behind kLookBytes of a line, and, backwards, about
/// the end.
class SyntaxRule final : public TextRule {
 public:
  /// `tree` has a tree of the document.
  SyntaxRule(const SyntaxTree& tree, std::size_t cursor);
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason reason) override;

  /// A look costs about as much as a step of the model.
  static constexpr std::size_t kLookBytes = 48;

 private:
  /// With so much of written_; nothing where the tree cannot say.
  std::optional<std::size_t> n_errors(std::size_t n_bytes);
  Ruling ruling() const { return {starts_.size() - n_sound_, std::nullopt}; }

  WrittenText syntax_;
  std::size_t n_errors_;   // with what may leave
  bool is_blind_ = false;  // the tree took too long, or says too little
  std::string written_;
  std::vector<std::size_t> starts_;  // of its characters
  std::size_t n_sound_ = 0;          // characters that may leave
  std::size_t looked_at_ = 0;        // bytes of written_ that were sound
};

}  // namespace octet::engine

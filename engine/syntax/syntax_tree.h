// The tree of a document, which follows its edits.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/syntax/language.h"

struct TSTree;

namespace octet::engine {

/// What a cursor stands in. In a comment or a string text is no code.
enum class TextKind { kCode, kComment, kString };

/// Whether nobody waits any more, or it takes too long.
using GiveUp = std::function<bool()>;

/// Belongs to one document; used by one thread at a time.
class SyntaxTree {
 public:
  explicit SyntaxTree(const Language& language);
  SyntaxTree(SyntaxTree&&) noexcept;
  SyntaxTree& operator=(SyntaxTree&&) noexcept;
  ~SyntaxTree();

  /// Makes this the tree of `text`, from the one before by what differs. False where `gives_up` said so: the next call goes on from
  /// there, or leaves a text that is no longer asked for and was given up many times; until then there is no tree.
  bool update(const std::shared_ptr<const std::string>& text, const GiveUp& gives_up);

  const Language& language() const;
  /// What the tree is of; empty before the first update().
  const std::string& text() const;
  /// Of text(), for engine/syntax; nullptr where there is none.
  const TSTree* tree() const;

  /// As far as the tree has it: what nobody has closed yet is an error and counts as code. kCode where there is no tree.
  TextKind kind_at(std::size_t cursor) const;
  /// Every node with its place, "(kind start-end row:column ...)", which two trees have alike if they are the same; for tests. Empty where
  /// there is no tree.
  std::string to_text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace octet::engine

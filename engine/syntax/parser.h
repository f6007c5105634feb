// tree-sitter's parser and trees as values, over texts that lie in several pieces. Included in engine/syntax alone.
#pragma once

#include <tree_sitter/api.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "engine/syntax/language.h"
#include "engine/syntax/syntax_tree.h"

namespace octet::engine {

struct TreeDeleter {
  void operator()(TSTree* tree) const { ts_tree_delete(tree); }
};
using Tree = std::unique_ptr<TSTree, TreeDeleter>;

/// Prefix, completion, suffix: one text. The pieces must outlive its use.
struct PiecedText {
  std::array<std::string_view, 3> pieces;
};

/// Move-only; used by one thread at a time.
class Parser {
 public:
  explicit Parser(const Language& language);

  /// The tree of `text`, from `old` where the text was edited and `old` was told so by ts_tree_edit(); nullptr where `gives_up`, which is
  /// asked now and then, says so. The next call, with the same text and old tree, goes on from there.
  Tree parse(const PiecedText& text, const TSTree* old, const GiveUp& gives_up);
  /// What was given up is not gone on with.
  void forget() { ts_parser_reset(parser_.get()); }

 private:
  struct Deleter {
    void operator()(TSParser* parser) const { ts_parser_delete(parser); }
  };
  std::unique_ptr<TSParser, Deleter> parser_;
};

/// Where a text that begins at `start` ends: lines, and bytes behind the last line feed.
TSPoint point_behind(TSPoint start, std::string_view text);

/// What makes `after` of `before`, which lies at `offset` and `start` in a document: all before and behind what differs is the same. Begins
/// and ends between characters, because tokens remember of the character behind them only where it begins.
TSInputEdit edit_between(std::string_view before, std::string_view after, std::size_t offset, TSPoint start);

/// ERROR and MISSING nodes at or below `node`, counted up to `most`.
std::size_t count_errors(TSNode node, std::size_t most);

}  // namespace octet::engine

#include "engine/syntax/written_text.h"

#include <chrono>
#include <string>

#include "bytemodel/check.h"
#include "engine/syntax/parser.h"

namespace octet::engine {
namespace {

/// A document that is broken in more places says nothing of one more.
constexpr std::size_t kMaxErrors = 200;
/// Of one look. They take a tenth of a millisecond, or one in large documents; what is written must not depend on
/// how busy a machine is.
constexpr std::chrono::milliseconds kPatience{2000};

}  // namespace

struct WrittenText::State {
  Parser parser;
  Tree tree;  // with `written`
  std::string_view prefix;
  std::string_view suffix;
  std::string written;
  TSPoint cursor;
  bool is_late = false;
};

WrittenText::WrittenText(const SyntaxTree& tree, std::size_t cursor) {
  OCTET_CHECK(tree.tree() != nullptr && cursor <= tree.text().size());
  const std::string_view text = tree.text();
  state_.reset(new State{Parser(tree.language()), Tree(ts_tree_copy(tree.tree())), text.substr(0, cursor), text.substr(cursor), {}, {}});
  state_->cursor = point_behind({0, 0}, state_->prefix);
}
WrittenText::WrittenText(WrittenText&&) noexcept = default;
WrittenText::~WrittenText() = default;

std::optional<std::size_t> WrittenText::n_errors(std::string_view written) {
  State& s = *state_;
  if (s.is_late) return std::nullopt;
  if (written != s.written) {
    const TSInputEdit edit = edit_between(s.written, written, s.prefix.size(), s.cursor);
    ts_tree_edit(s.tree.get(), &edit);
    s.written = written;
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    Tree parsed = s.parser.parse({{s.prefix, s.written, s.suffix}}, s.tree.get(),
                                 [deadline] { return std::chrono::steady_clock::now() >= deadline; });
    if (!parsed) {
      s.is_late = true;
      return std::nullopt;
    }
    s.tree = std::move(parsed);
  }
  return count_errors(ts_tree_root_node(s.tree.get()), kMaxErrors);
}

}  // namespace octet::engine

#include "engine/syntax/parser.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "bytemodel/check.h"

namespace octet::engine {
namespace {

void* there_is(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

/// tree-sitter checks no allocation. Where there is no memory the process ends as for any other bad_alloc that nobody catches, noexcept:
/// unwinding through the parser would leave it broken.
void use_checked_allocations() {
  static const bool is_set = [] {
    // At least a byte, so that nothing of no length is nullptr.
    ts_set_allocator([](std::size_t n) noexcept { return there_is(std::malloc(std::max<std::size_t>(n, 1))); },
                     [](std::size_t n, std::size_t size) noexcept {
                       return there_is(std::calloc(std::max<std::size_t>(n, 1), std::max<std::size_t>(size, 1)));
                     },
                     [](void* old, std::size_t n) noexcept { return there_is(std::realloc(old, std::max<std::size_t>(n, 1))); }, std::free);
    return true;
  }();
  (void)is_set;
}

TSParser* new_parser() {
  use_checked_allocations();
  return ts_parser_new();
}

const char* read_piece(void* payload, std::uint32_t offset, TSPoint /*position*/, std::uint32_t* n_bytes) {
  std::size_t begin = offset;
  for (const std::string_view piece : static_cast<const PiecedText*>(payload)->pieces) {
    if (begin < piece.size()) {
      *n_bytes = static_cast<std::uint32_t>(piece.size() - begin);
      return piece.data() + begin;
    }
    begin -= piece.size();
  }
  *n_bytes = 0;
  return "";
}

/// A byte of text[offset]'s character stands before it.
bool is_inside_character(std::string_view text, std::size_t offset) {
  return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80;
}

bool give_up(TSParseState* state) { return (*static_cast<const GiveUp*>(state->payload))(); }

}  // namespace

Parser::Parser(const Language& language) : parser_(new_parser()) {
  const bool is_compatible = ts_parser_set_language(parser_.get(), language.grammar());
  OCTET_CHECK(is_compatible);
}

Tree Parser::parse(const PiecedText& text, const TSTree* old, const GiveUp& gives_up) {
  PiecedText input = text;
  GiveUp asked = gives_up;
  return Tree(ts_parser_parse_with_options(parser_.get(), old, {&input, read_piece, TSInputEncodingUTF8, nullptr}, {&asked, give_up}));
}

TSPoint point_behind(TSPoint start, std::string_view text) {
  const std::size_t last = text.rfind('\n');
  if (last == std::string_view::npos) return {start.row, start.column + static_cast<std::uint32_t>(text.size())};
  return {start.row + static_cast<std::uint32_t>(std::ranges::count(text, '\n')), static_cast<std::uint32_t>(text.size() - last - 1)};
}

TSInputEdit edit_between(std::string_view before, std::string_view after, std::size_t offset, TSPoint start) {
  const std::size_t common = std::min(before.size(), after.size());
  auto same = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(common), after.begin()).first - before.begin());
  while (same > 0 && (is_inside_character(before, same) || is_inside_character(after, same))) --same;
  std::size_t end = 0;
  while (end < common - same && before[before.size() - 1 - end] == after[after.size() - 1 - end]) ++end;
  while (end > 0 && is_inside_character(before, before.size() - end)) --end;
  const std::size_t old_end = before.size() - end;
  const std::size_t new_end = after.size() - end;
  TSInputEdit edit{};
  edit.start_byte = static_cast<std::uint32_t>(offset + same);
  edit.old_end_byte = static_cast<std::uint32_t>(offset + old_end);
  edit.new_end_byte = static_cast<std::uint32_t>(offset + new_end);
  edit.start_point = point_behind(start, before.substr(0, same));
  edit.old_end_point = point_behind(edit.start_point, before.substr(same, old_end - same));
  edit.new_end_point = point_behind(edit.start_point, after.substr(same, new_end - same));
  return edit;
}

std::size_t count_errors(TSNode node, std::size_t most) {
  if (!ts_node_has_error(node)) return 0;
  std::size_t n = 0;
  TSTreeCursor cursor = ts_tree_cursor_new(node);
  // Depth first, into what has errors alone; a tree may be as deep as its text is long.
  for (bool is_going_on = true; is_going_on && n < most;) {
    const TSNode at = ts_tree_cursor_current_node(&cursor);
    if (ts_node_is_error(at) || ts_node_is_missing(at)) ++n;
    if (ts_node_has_error(at) && ts_tree_cursor_goto_first_child(&cursor)) continue;
    while (!ts_tree_cursor_goto_next_sibling(&cursor)) {
      if (!ts_tree_cursor_goto_parent(&cursor)) {
        is_going_on = false;
        break;
      }
    }
  }
  ts_tree_cursor_delete(&cursor);
  return n;
}

}  // namespace octet::engine

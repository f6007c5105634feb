#include "engine/context/prompt_builder.h"

#include <algorithm>
#include <string_view>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::engine {
namespace {

constexpr std::size_t kMaxPathBytes = 60;
constexpr std::size_t kMaxClosers = 16;  // a document of nothing else is not read to its end at each key

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The nearest character boundary at or after / at or before `offset`. Text that is not UTF-8 has a boundary everywhere
/// within a character's length.
std::size_t boundary_after(std::string_view text, std::size_t offset) {
  for (int i = 0; i < 3 && offset < text.size() && is_continuation(text[offset]); ++i) ++offset;
  return offset;
}

std::size_t boundary_before(std::string_view text, std::size_t offset) {
  for (int i = 0; i < 3 && offset > 0 && offset < text.size() && is_continuation(text[offset]); ++i) --offset;
  return offset;
}

std::string_view last_two_components(std::string_view path) {
  const std::size_t last = path.find_last_of('/');
  if (last == std::string_view::npos || last == 0) return path;
  const std::size_t before = path.find_last_of('/', last - 1);
  return before == std::string_view::npos ? path : path.substr(before + 1);
}

std::size_t prefix_start(std::string_view text, std::size_t cursor, std::size_t share) {
  if (cursor <= share) return 0;
  const std::size_t stride = std::max<std::size_t>(share / 4, 1);
  const std::size_t start = (cursor - share + stride - 1) / stride * stride;
  const std::size_t line_end = text.substr(0, std::min(cursor, start + stride)).find('\n', start);
  return line_end == std::string_view::npos ? boundary_after(text, start) : line_end + 1;
}

/// Behind the closers right at the cursor. Editors write them with the opener, and a person writes over them: with them the suffix, which
/// stands first, would change twice a bracket.
std::size_t behind_closers(std::string_view text, std::size_t cursor) {
  std::size_t end = cursor;
  while (end < text.size() && end - cursor < kMaxClosers && std::string_view(")]}\"'`").find(text[end]) != std::string_view::npos) ++end;
  return end;
}

void append_text(std::vector<std::uint8_t>& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    out.push_back(is_control_byte(byte) ? std::uint8_t{'?'} : byte);
  }
}

}  // namespace

std::vector<std::uint8_t> build_prompt(const DocumentSnapshot& document, std::size_t cursor, std::size_t budget) {
  const std::string_view text = document.view();
  OCTET_CHECK(cursor <= text.size() && budget >= kMinPromptBudget);

  std::vector<std::uint8_t> out{kFile};
  std::string_view path = last_two_components(document.path);
  if (path.size() > kMaxPathBytes) path.remove_prefix(boundary_after(path, path.size() - kMaxPathBytes));
  append_text(out, path);
  std::replace(out.begin(), out.end(), std::uint8_t{'\n'}, std::uint8_t{'?'});
  out.push_back('\n');

  const std::size_t share = budget - out.size() - 2;  // the two symbols below
  const std::size_t suffix = behind_closers(text, cursor);
  const std::size_t suffix_end = boundary_before(text, std::min(text.size(), suffix + share / 4));
  if (suffix_end > suffix) {
    out.push_back(kSuffix);
    append_text(out, text.substr(suffix, suffix_end - suffix));
  }
  out.push_back(kPrefix);
  const std::size_t start = prefix_start(text, cursor, share - share / 4);
  append_text(out, text.substr(start, cursor - start));
  return out;
}

}  // namespace octet::engine

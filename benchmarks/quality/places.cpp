#include "benchmarks/quality/places.h"

#include <algorithm>

#include "engine/decode/bracket_reader.h"

namespace octet::benchmarks {
namespace {

constexpr std::size_t kMinRest = 3;
constexpr int kTries = 50;
constexpr int kMaxBlockLines = 8;
constexpr std::string_view kBlank = " \t\r";

std::size_t line_begin(std::string_view text, std::size_t at) { return at == 0 ? 0 : text.rfind('\n', at - 1) + 1; }
std::size_t line_end(std::string_view text, std::size_t at) { return std::min(text.find('\n', at), text.size()); }
bool is_inside_character(std::string_view text, std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80; }

/// The end of a line without the carriage return before it.
std::size_t without_return(std::string_view text, std::size_t begin, std::size_t end) {
  return end > begin && text[end - 1] == '\r' ? end - 1 : end;
}

/// Blanks at the start of `line`; npos where there is nothing else.
std::size_t indentation(std::string_view line) { return line.find_first_not_of(kBlank); }

}  // namespace

Gap random_line_rest(std::string_view text, std::mt19937_64& random) {
  for (int i = 0; i < kTries; ++i) {
    const std::size_t begin = random() % text.size();
    if (is_inside_character(text, begin)) continue;
    const Gap gap{begin, line_end(text, begin)};
    if (gap.end - begin >= kMinRest) return gap;
  }
  return {};
}

Gap block_at(std::string_view text, std::size_t begin) {
  std::size_t end = line_end(text, begin);
  const std::size_t own = line_begin(text, begin);
  const std::size_t depth = std::min(indentation(text.substr(own, end - own)), end - own);
  for (int n_lines = 1; n_lines < kMaxBlockLines && end < text.size(); ++n_lines) {
    const std::size_t next = line_end(text, end + 1);
    const std::size_t next_depth = indentation(text.substr(end + 1, next - end - 1));
    if (next_depth == std::string_view::npos || next_depth < depth) break;
    end = next;
  }
  return {begin, without_return(text, begin, end)};
}

Gap random_passage(std::string_view text, std::size_t n_bytes, std::mt19937_64& random) {
  const std::size_t last = text.size() - std::min(text.size(), n_bytes);
  const std::size_t begin = text.find_first_not_of(" \t\r\n", line_begin(text, random() % (last + 1)));
  if (begin == std::string_view::npos) return {};
  const std::size_t end = line_end(text, std::min(begin + n_bytes, text.size()) - 1);
  return {begin, without_return(text, begin, end)};
}

std::string closers_of(std::string_view line_before_cursor) {
  engine::BracketReader reader;
  std::string closers;
  for (const char c : line_before_cursor) {
    const auto role = reader.read(c);
    if (role == engine::BracketReader::Role::kOpens) closers.insert(0, 1, c == '(' ? ')' : c == '[' ? ']' : '}');
    if (role == engine::BracketReader::Role::kCloses && !closers.empty()) closers.erase(0, 1);
  }
  if (reader.quote() != '\0') closers.insert(0, 1, reader.quote());
  return closers;
}

}  // namespace octet::benchmarks

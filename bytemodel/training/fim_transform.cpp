#include "bytemodel/training/fim_transform.h"

#include <algorithm>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::bytemodel::training {
namespace {

constexpr std::size_t kMaxPathBytes = 80;
constexpr std::size_t kMaxMiddleBytes = 256;  // as long as the engine's completions
constexpr std::size_t kMaxMiddleLines = 8;

/// The next place at or behind `at` where a character begins.
std::size_t character_start(std::string_view text, std::size_t at) {
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return std::min(at, text.size());
}

/// The next place at or behind `at` where a line begins; the text's end where none does.
std::size_t line_start(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size() || text[at - 1] == '\n') return std::min(at, text.size());
  const std::size_t newline = text.find('\n', at);
  return newline == std::string_view::npos ? text.size() : newline + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) { return std::min(text.find('\n', at), text.size()); }

std::string header(std::string_view path) {
  std::string out(1, static_cast<char>(kFile));
  out += short_path(path);
  out += '\n';
  return out;
}

/// Where the middle that begins at `cursor` ends: half of the time with the line, a quarter with a later line, else anywhere.
std::size_t middle_end(std::string_view text, std::size_t cursor, Random& random) {
  const std::size_t limit = std::min(text.size(), cursor + kMaxMiddleBytes);
  std::size_t end = cursor;
  switch (random.below(4)) {
    case 0:
    case 1: end = line_end(text, cursor); break;
    case 2:
      end = line_end(text, cursor);
      for (std::size_t line = random.below(kMaxMiddleLines); line > 0 && end < limit; --line) end = line_end(text, end + 1);
      break;
    default: end = cursor + random.below(limit - cursor + 1);
  }
  return std::max(cursor, character_start(text, std::min(end, limit)));
}

}  // namespace

std::string short_path(std::string_view path) {
  const std::size_t last = path.rfind('/');
  if (last != std::string_view::npos && last > 0) {
    const std::size_t before = path.rfind('/', last - 1);
    if (before != std::string_view::npos) path.remove_prefix(before + 1);
  }
  if (path.size() > kMaxPathBytes) path.remove_prefix(character_start(path, path.size() - kMaxPathBytes));
  return std::string(path);
}

std::string plain_sample(std::string_view path, std::string_view text, const SampleLimits& limits, Random& random) {
  OCTET_CHECK(limits.max_bytes >= kMinSampleBytes);
  std::string out = header(path);
  out += static_cast<char>(kPrefix);
  const std::size_t room = limits.max_bytes - out.size() - 1;
  // A document that fits is shown whole.
  const std::size_t begin = text.size() <= room ? 0 : line_start(text, random.below(text.size()));
  const std::size_t end = std::min(text.size(), begin + room);
  out += text.substr(begin, end - begin);
  if (end == text.size()) out += static_cast<char>(kEnd);
  return out;
}

std::string middle_sample(std::string_view path, std::string_view text, const SampleLimits& limits, Random& random) {
  OCTET_CHECK(limits.max_bytes >= kMinSampleBytes);
  std::string out = header(path);
  std::size_t room = limits.max_bytes - out.size() - 3;
  const std::size_t cursor = character_start(text, random.below(text.size() + 1));
  std::string_view middle = text.substr(cursor, middle_end(text, cursor, random) - cursor);
  if (middle.size() > room) middle = middle.substr(0, 0);
  room -= middle.size();

  const std::size_t behind = cursor + middle.size();
  const std::size_t max_suffix = std::min({limits.max_suffix_bytes, room / 2, text.size() - behind});
  std::size_t suffix_end = behind + random.below(max_suffix + 1);
  while (suffix_end > behind && character_start(text, suffix_end) != suffix_end) --suffix_end;
  const std::string_view suffix = text.substr(behind, suffix_end - behind);
  room -= suffix.size();

  const std::size_t begin = character_start(text, cursor > room ? cursor - room : 0);
  if (!suffix.empty()) {
    out += static_cast<char>(kSuffix);
    out += suffix;
  }
  out += static_cast<char>(kPrefix);
  out += text.substr(begin, cursor - begin);
  out += middle;
  out += static_cast<char>(kEnd);
  return out;
}

}  // namespace octet::bytemodel::training

#include "engine/context/document.h"

namespace octet::engine {

std::string_view line_before(std::string_view text, std::size_t cursor) {
  const std::string_view before = text.substr(0, cursor);
  const std::size_t line_end = before.find_last_of("\r\n");
  return before.substr(line_end == std::string_view::npos ? 0 : line_end + 1);
}

std::string_view line_behind(std::string_view text, std::size_t cursor) {
  const std::string_view behind = text.substr(cursor);
  return behind.substr(0, behind.find_first_of("\r\n"));
}

bool uses_crlf(std::string_view text, std::size_t cursor) {
  std::size_t line_end = text.substr(0, cursor).rfind('\n');
  if (line_end == std::string_view::npos) line_end = text.find('\n', cursor);
  return line_end != std::string_view::npos && line_end > 0 && text[line_end - 1] == '\r';
}

}  // namespace octet::engine

// A document at one moment.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace octet::engine {

/// A value; the text is shared and never changes, so a snapshot is safe on any thread.
struct DocumentSnapshot {
  std::string uri;   // opaque: names the session
  std::string path;  // as the model should see it; only the last two components count
  std::int64_t version = 0;
  std::string language;
  std::shared_ptr<const std::string> text = std::make_shared<const std::string>();

  std::string_view view() const { return *text; }
};

/// The part of the cursor's line before `cursor`, and the part behind it without the line ending.
std::string_view line_before(std::string_view text, std::size_t cursor);
std::string_view line_behind(std::string_view text, std::size_t cursor);

/// True where the line ending nearest before the cursor, or else the first behind it, is CR LF.
bool uses_crlf(std::string_view text, std::size_t cursor);

}  // namespace octet::engine

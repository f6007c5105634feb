// Bytes of a file become clean UTF-8, or are refused.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace octet::engine {

/// `text` with U+FFFD in the place of each broken sequence, or nullopt where there are more than `max_broken`. A sequence is
/// broken at the first byte that cannot continue it; that byte may begin the next one.
/// Source: The Unicode Standard, section 3.9, "substitution of maximal subparts".
std::optional<std::string> mended_utf8(std::string_view text, std::size_t max_broken);

}  // namespace octet::engine

// From a document and a cursor to the bytes that the model reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/context/document.h"

namespace octet::engine {

/// kFile path '\n' [kSuffix suffix] kPrefix prefix (FORMAT.md): the suffix first, so that a typed byte only appends. Closing
/// brackets and quotes right at the cursor are left out of the suffix: editors write them with the opener.
///
/// At most `budget` bytes. The suffix takes up to a quarter, the prefix the rest. Where the prefix does not fit, its start
/// moves in strides of a quarter of its share, to the next line's start: it stands still while the user types, and the
/// cache of all before the cursor stays valid. Neither part is cut inside a UTF-8 character. Control bytes in the
/// document or its path become '?': a document cannot forge a control symbol.
/// CHECKs that cursor <= document size and budget >= kMinPromptBudget.
inline constexpr std::size_t kMinPromptBudget = 96;
std::vector<std::uint8_t> build_prompt(const DocumentSnapshot& document, std::size_t cursor, std::size_t budget);

}  // namespace octet::engine

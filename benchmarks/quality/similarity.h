// How much of a text one has who has another.
#pragma once

#include <string_view>

namespace octet::benchmarks {

/// 1 - d / n with d the fewest characters to insert, remove or replace between the texts (Levenshtein 1966) and n the characters of the
/// longer one; 1 for two empty texts. Invalid UTF-8 counts byte by byte.
double edit_similarity(std::string_view a, std::string_view b);

}  // namespace octet::benchmarks

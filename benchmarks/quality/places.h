// Where in a file completions are asked for, and what stands there.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace octet::benchmarks {

/// A part of a text that is taken out of it.
struct Gap {
  std::size_t begin = 0;
  std::size_t end = 0;

  bool is_empty() const { return begin == end; }
  std::string truth(std::string_view text) const { return std::string(text.substr(begin, end - begin)); }
  std::string rest(std::string_view text) const { return std::string(text.substr(0, begin)).append(text.substr(end)); }
};

/// From a random cursor to the end of its line, of three bytes or more; empty where none was found.
Gap random_line_rest(std::string_view text, std::mt19937_64& random);

/// From `begin` to where a block ends without a grammar: before a blank line or one that is indented less than the line of `begin`, and
/// after eight lines at the latest.
Gap block_at(std::string_view text, std::size_t begin);

/// Whole lines from a random one on, about `n_bytes`, or all there are: from the first line's first character that is not blank to the
/// last line's end. Empty where all is blank.
Gap random_passage(std::string_view text, std::size_t n_bytes, std::mt19937_64& random);

/// What an editor that closes brackets and quotes by itself has put behind the cursor.
std::string closers_of(std::string_view line_before_cursor);

}  // namespace octet::benchmarks

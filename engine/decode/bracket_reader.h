// Brackets and quotes of source text, without knowing its language.
#pragma once

#include <cstddef>

namespace octet::engine {

enum class Bracket { kRound, kSquare, kCurly };
inline constexpr std::size_t kNBrackets = 3;

/// Says of each byte of a text whether it opens or closes something. Brackets in quotes are text; a quote ends with its line, but for
/// one of backticks; an apostrophe within a word is none.
class BracketReader {
 public:
  BracketReader() = default;
  /// Reads what stands in a quote, up to its end, as a text of its own, so that its brackets count. Behind that it reads as always.
  static BracketReader inside(char quote);

  enum class Role { kOther, kOpens, kCloses, kBeginsQuote, kEndsQuote };
  Role read(char c);

  /// Of the last byte, where it opens or closes.
  Bracket bracket() const { return bracket_; }
  /// The quote that the text is in; '\0' where in none.
  char quote() const { return quote_; }

 private:
  Role read_bracket(char c);

  Bracket bracket_ = Bracket::kRound;
  char quote_ = '\0';
  bool is_escaped_ = false;
  bool counts_inside_ = false;
  std::size_t n_word_ = 0;  // letters and digits right before
};

}  // namespace octet::engine

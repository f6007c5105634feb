// Where a completion would write again what already stands behind the cursor: it ends before that, and the text behind takes its place.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/decode/bracket_reader.h"
#include "engine/decode/text_rule.h"

namespace octet::engine {

/// The rest of the cursor's line. A completion, or its first line, that ends with the whole of it ends before it, where it opened no
/// bracket that this would leave open. White space at the end is given up where the rest begins with some.
class RepeatedRest final : public TextRule {
 public:
  RepeatedRest(std::string_view text, std::size_t cursor);
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason reason) override;

 private:
  void find_repetition();

  std::string rest_;   // without white space around it; empty where it is too short to tell
  bool begins_blank_;  // it has white space in front
  std::string written_;
  std::vector<int> depths_;  // brackets open before each byte of written_
  BracketReader reader_;
  int depth_ = 0;
  bool is_first_line_ = true;
  bool is_repeated_ = false;  // written_ ends with all of rest_
  std::size_t n_held_ = 0;    // characters
};

/// Closing brackets and quotes. The completion ends before one that nothing in it opened and that the text behind the cursor has: on the
/// cursor's line, or at the start of the next line where the cursor's has no more. Brackets of the cursor's line that the text
/// behind leaves open may be closed.
class RepeatedCloser final : public TextRule {
 public:
  RepeatedCloser(std::string_view text, std::size_t cursor);
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason /*reason*/) override { return {}; }

 private:
  using Counts = std::array<std::size_t, kNBrackets>;

  void read_rest(std::string_view rest);
  void read_next_line(std::string_view before, std::string_view line);

  BracketReader reader_;
  char quote_behind_ = '\0';                  // the quote that the cursor is in ends behind it
  Counts n_behind_{};                         // closers behind the cursor that belong to its line
  std::array<bool, kNBrackets> is_behind_{};  // or to lines above
  Counts n_free_{};                           // that the completion may close without having opened them
  Counts n_open_{};                           // that it has opened
  bool is_on_next_line_ = false;
  std::size_t n_held_ = 0;  // white space, which would be left over in front of the next line
};

/// The next line that is not blank. The completion ends before a line that equals it but for white space at the end. A line of
/// closers is RepeatedCloser's to judge.
class RepeatedLine final : public TextRule {
 public:
  RepeatedLine(std::string_view text, std::size_t cursor);
  Ruling next(std::string_view character, double probability) override;
  Ruling end(StopReason reason) override;

 private:
  bool may_repeat() const;
  bool is_repeated() const;

  std::string next_line_;   // without white space at its end; empty where there is none to compare with
  bool is_one_word_;        // it may be the end of a block that the completion opened
  std::string line_;        // that is being written
  bool is_candidate_;       // it began as next_line_ does
  std::size_t n_held_ = 0;  // characters, the line end before the line included
};

}  // namespace octet::engine

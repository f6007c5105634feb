#include "engine/decode/suffix_rules.h"

#include <algorithm>

#include "engine/context/document.h"
#include "engine/decode/identifier.h"

namespace octet::engine {
namespace {

constexpr std::string_view kBlank = " \t\r";

/// A longer rest of a line is not what a model repeats by the byte.
constexpr std::size_t kMaxRest = 256;

bool is_blank(std::string_view text) { return text.find_first_not_of(kBlank) == std::string_view::npos; }

std::string_view without_trailing_blanks(std::string_view text) { return text.substr(0, text.find_last_not_of(kBlank) + 1); }

std::string_view indentation(std::string_view line) { return line.substr(0, std::min(line.find_first_not_of(kBlank), line.size())); }

std::size_t n_characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

/// The first line behind the cursor's that is not blank, without white space at its end; empty where there is none.
std::string_view next_line(std::string_view text, std::size_t cursor) {
  std::size_t begin = text.find('\n', cursor);
  while (begin != std::string_view::npos) {
    ++begin;
    const std::size_t end = text.find('\n', begin);
    const std::string_view line = text.substr(begin, std::min(end, text.size()) - begin);
    if (!is_blank(line)) return without_trailing_blanks(line);
    begin = end;
  }
  return {};
}

std::size_t index(Bracket bracket) { return static_cast<std::size_t>(bracket); }

}  // namespace

RepeatedRest::RepeatedRest(std::string_view text, std::size_t cursor) {
  const std::string_view behind = line_behind(text, cursor);
  begins_blank_ = !behind.empty() && is_blank(behind.front());
  const std::string_view rest = without_trailing_blanks(behind.substr(indentation(behind).size()));
  const auto n_visible = std::count_if(rest.begin(), rest.end(), [](char c) { return !is_blank(c); });
  const bool is_telling = n_visible >= 2 || rest == ";" || rest == ",";
  if (is_telling && rest.size() <= kMaxRest) rest_ = rest;
}

/// Which end of written_ is the rest of the line, or may become it.
void RepeatedRest::find_repetition() {
  const std::string_view written = written_;
  const auto repeats = [&](std::string_view end, std::size_t n) {
    return end.ends_with(std::string_view(rest_).substr(0, n)) && depths_[end.size() - n] <= 0;
  };
  const std::string_view visible = without_trailing_blanks(written);
  std::size_t begin = written.size();
  is_repeated_ = !rest_.empty() && repeats(visible, rest_.size());
  if (is_repeated_) {
    begin = visible.size() - rest_.size();
  } else {
    for (std::size_t n = std::min(rest_.size(), written.size()); n > 0 && begin == written.size(); --n) {
      if (repeats(written, n)) begin -= n;
    }
  }
  while (begins_blank_ && begin > 0 && is_blank(written[begin - 1])) --begin;
  n_held_ = n_characters(written.substr(begin));
}

Ruling RepeatedRest::next(std::string_view character, double /*probability*/) {
  if (character == "\n" && is_first_line_ && is_repeated_) return {n_held_ + 1, StopReason::kSuffixMet};
  if (character == "\n") is_first_line_ = false;
  for (const char c : character) {
    depths_.push_back(depth_);
    const auto role = reader_.read(c);
    depth_ += role == BracketReader::Role::kOpens ? 1 : role == BracketReader::Role::kCloses ? -1 : 0;
  }
  written_ += character;
  find_repetition();
  return {n_held_, std::nullopt};
}

Ruling RepeatedRest::end(StopReason /*reason*/) {
  if (is_repeated_) return {n_held_, StopReason::kSuffixMet};
  const std::size_t n_blanks = written_.size() - without_trailing_blanks(written_).size();
  return {begins_blank_ ? n_blanks : 0, std::nullopt};
}

RepeatedCloser::RepeatedCloser(std::string_view text, std::size_t cursor) {
  std::string_view before = line_before(text, cursor);
  const std::string_view rest = line_behind(text, cursor);
  std::size_t quote_begin = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (reader_.read(before[i]) == BracketReader::Role::kBeginsQuote) quote_begin = i + 1;
  }
  BracketReader behind = reader_;
  for (const char c : rest) behind.read(c);
  if (reader_.quote() != '\0' && behind.quote() == '\0') {
    // The cursor is in a quote that ends behind it.
    quote_behind_ = reader_.quote();
    before = before.substr(quote_begin);
  }
  reader_ = quote_behind_ == '\0' ? BracketReader() : BracketReader::inside(quote_behind_);
  Counts n_open_before{};
  for (const char c : before) {
    const auto role = reader_.read(c);
    std::size_t& n_open = n_open_before[index(reader_.bracket())];
    if (role == BracketReader::Role::kOpens) ++n_open;
    if (role == BracketReader::Role::kCloses && n_open > 0) --n_open;
  }
  if (is_blank(rest)) {
    read_next_line(line_before(text, cursor), next_line(text, cursor));
  } else {
    read_rest(rest);
  }
  for (std::size_t i = 0; i < kNBrackets; ++i) n_free_[i] = n_open_before[i] - std::min(n_open_before[i], n_behind_[i]);
}

/// A quote that does not end in the rest is the completion's to end, and the rest stands outside.
void RepeatedCloser::read_rest(std::string_view rest) {
  BracketReader reader = quote_behind_ == '\0' ? BracketReader() : reader_;
  Counts n_open{};
  for (const char c : rest) {
    const auto role = reader.read(c);
    if (quote_behind_ != '\0' && role == BracketReader::Role::kEndsQuote) return;
    const std::size_t i = index(reader.bracket());
    if (role == BracketReader::Role::kOpens) ++n_open[i];
    if (role != BracketReader::Role::kCloses) continue;
    if (n_open[i] > 0) {
      --n_open[i];
    } else {
      ++n_behind_[i];
      is_behind_[i] = true;
    }
  }
}

/// By its indentation the line shows whether it closes what the cursor's line opened, or what a line above did.
void RepeatedCloser::read_next_line(std::string_view before, std::string_view line) {
  is_on_next_line_ = true;
  const std::string_view indent = indentation(line);
  BracketReader reader;
  for (const char c : line.substr(indent.size())) {
    if (reader.read(c) != BracketReader::Role::kCloses) break;
    is_behind_[index(reader.bracket())] = true;
    if (indent == indentation(before)) ++n_behind_[index(reader.bracket())];
  }
}

Ruling RepeatedCloser::next(std::string_view character, double /*probability*/) {
  const char c = character.front();
  const auto role = reader_.read(c);
  if (quote_behind_ != '\0' && role == BracketReader::Role::kEndsQuote) return {1, StopReason::kSuffixMet};
  if (reader_.quote() == '\0') quote_behind_ = '\0';
  const std::size_t i = index(reader_.bracket());
  if (role == BracketReader::Role::kOpens) ++n_open_[i];
  if (role == BracketReader::Role::kCloses) {
    if (n_open_[i] > 0) {
      --n_open_[i];
    } else if (n_free_[i] > 0) {
      --n_free_[i];
    } else if (is_behind_[i]) {
      return {n_held_ + 1, StopReason::kSuffixMet};
    }
  }
  n_held_ = is_on_next_line_ && (is_blank(c) || c == '\n') ? n_held_ + 1 : 0;
  return {n_held_, std::nullopt};
}

RepeatedLine::RepeatedLine(std::string_view text, std::size_t cursor)
    : next_line_(next_line(text, cursor)), line_(line_before(text, cursor)) {
  const std::string_view visible = std::string_view(next_line_).substr(indentation(next_line_).size());
  is_one_word_ = std::all_of(visible.begin(), visible.end(), is_identifier_byte);
  if (std::none_of(visible.begin(), visible.end(), is_identifier_byte)) next_line_.clear();
  // A line that the user began or that has a rest is not the completion's alone.
  is_candidate_ = is_blank(line_) && is_blank(line_behind(text, cursor)) && may_repeat();
}

bool RepeatedLine::may_repeat() const { return next_line_.starts_with(line_) || is_repeated(); }

bool RepeatedLine::is_repeated() const { return !next_line_.empty() && without_trailing_blanks(line_) == next_line_; }

Ruling RepeatedLine::next(std::string_view character, double /*probability*/) {
  if (next_line_.empty()) return {};
  if (character == "\n") {
    if (is_candidate_ && is_repeated()) return {n_held_ + 1, StopReason::kSuffixMet};
    if (is_one_word_ && indentation(line_) == indentation(next_line_)) next_line_.clear();
    line_.clear();
    is_candidate_ = !next_line_.empty();
    n_held_ = is_candidate_ ? 1 : 0;
    return {n_held_, std::nullopt};
  }
  line_ += character;
  is_candidate_ = is_candidate_ && may_repeat();
  n_held_ = is_candidate_ ? n_held_ + 1 : 0;
  return {n_held_, std::nullopt};
}

Ruling RepeatedLine::end(StopReason reason) {
  if (is_candidate_ && is_repeated()) return {n_held_, StopReason::kSuffixMet};
  return {is_whole(reason) ? 0 : n_held_, std::nullopt};
}

}  // namespace octet::engine

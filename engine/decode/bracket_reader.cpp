#include "engine/decode/bracket_reader.h"

#include <string_view>

#include "engine/decode/identifier.h"

namespace octet::engine {
namespace {

/// Letters before a quote that belong to it: b'..', rb'..', u8'..'.
constexpr std::size_t kMaxQuotePrefix = 2;

}  // namespace

BracketReader BracketReader::inside(char quote) {
  BracketReader reader;
  reader.quote_ = quote;
  reader.counts_inside_ = true;
  return reader;
}

BracketReader::Role BracketReader::read_bracket(char c) {
  constexpr std::string_view kOpeners = "([{";
  constexpr std::string_view kClosers = ")]}";
  if (const std::size_t i = kOpeners.find(c); i != std::string_view::npos) {
    bracket_ = static_cast<Bracket>(i);
    return Role::kOpens;
  }
  if (const std::size_t i = kClosers.find(c); i != std::string_view::npos) {
    bracket_ = static_cast<Bracket>(i);
    return Role::kCloses;
  }
  return Role::kOther;
}

BracketReader::Role BracketReader::read(char c) {
  const std::size_t n_word = n_word_;
  n_word_ = is_identifier_byte(c) ? n_word + 1 : 0;
  if (c == '\n' && quote_ != '`') {
    quote_ = '\0';
    is_escaped_ = false;
    counts_inside_ = false;
    return Role::kOther;
  }
  if (quote_ != '\0') {
    if (is_escaped_) {
      is_escaped_ = false;
    } else if (c == '\\') {
      is_escaped_ = true;
    } else if (c == quote_) {
      quote_ = '\0';
      counts_inside_ = false;
      return Role::kEndsQuote;
    }
    return counts_inside_ ? read_bracket(c) : Role::kOther;
  }
  if (c == '"' || c == '`' || (c == '\'' && n_word <= kMaxQuotePrefix)) {
    quote_ = c;
    return Role::kBeginsQuote;
  }
  return read_bracket(c);
}

}  // namespace octet::engine

// A person who types a text that they know, with an editor that suggests how it goes on. Pure: knows no model and no clock.
//
// Policy. When a suggestion newly appears the person notices it, and reads it to its end or to the end of the first word that is not
// what they are about to write; the rest of one that was read before is not read again. One key takes it whole where all of it is
// right. Where only its beginning is right they take so many of its words, one key each, as save most keys. What saves no key is not
// taken: they type on. A key writes one character, or a line's end with the indentation behind it, as editors indent.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace octet::benchmarks {

/// Between two keys: 52 words of five characters a minute, the mean of 168,000 people. Source: Dhakal et al. 2018, "Observations on
/// Typing from 136 Million Keystrokes".
inline constexpr double kKeyMs = 230;
/// One look at a suggestion: a fixation of the eyes in reading. Source: Rayner 1998, "Eye movements in reading and information processing".
inline constexpr double kNoticeMs = 250;
/// Each character read: 238 words a minute, of 5.6 characters with the blank. Source: Brysbaert 2019, "How many words do we read per
/// minute?", prose; that code is read as fast is an assumption.
inline constexpr double kReadMs = 45;

/// What typing with suggestions came to; sums.
struct Typing {
  std::size_t bytes = 0;         // of the text
  std::size_t keys_without = 0;  // that it takes without suggestions
  std::size_t typed_keys = 0;
  std::size_t accept_keys = 0;
  std::size_t accepted_bytes = 0;
  std::size_t suggestions = 0;  // that newly appeared
  std::size_t accepted_whole = 0;
  std::size_t accepted_partly = 0;
  std::size_t shown_characters = 0;
  std::size_t right_characters = 0;  // of those shown: what the person was about to write
  std::size_t read_characters = 0;

  Typing& operator+=(const Typing& other);

  std::size_t keys() const { return typed_keys + accept_keys; }
  double keys_saved() const;  // share of keys_without
  double attention_s() const;
  double time_without_s() const;
  double time_saved() const;  // share of time_without_s(); below 0 where reading takes longer than the keys saved
  /// How long the person may look at each suggestion before suggestions cost more time than they save.
  double break_even_ms() const;

  nlohmann::json json() const;
};

/// The suggestion behind `written`, the part of the text that is there; empty: none.
using Suggest = std::function<std::string(std::string_view written)>;

/// Types `text` and adds what that took to `typing`. Returns what was written, which is `text` whatever was suggested.
std::string type_text(std::string_view text, const Suggest& suggest, Typing& typing);

/// How many keys typing takes without suggestions.
std::size_t count_keys(std::string_view text);

/// A word as editors take it: white space and the letters or the signs behind it. Not empty where `text` is not.
std::string_view first_word(std::string_view text);

}  // namespace octet::benchmarks

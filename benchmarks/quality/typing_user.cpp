#include "benchmarks/quality/typing_user.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/decode/identifier.h"

namespace octet::benchmarks {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_space(char c) { return is_blank(c) || c == '\n' || c == '\r'; }
bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::size_t count_characters(std::string_view text) { return static_cast<std::size_t>(std::ranges::count_if(text, begins_character)); }

std::size_t behind_blanks(std::string_view text, std::size_t from) {
  while (from < text.size() && is_blank(text[from])) ++from;
  return from;
}

/// Where the text has come to one key after `at`.
std::size_t after_key(std::string_view text, std::size_t at) {
  if (text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n') ++at;
  if (text[at] == '\n') return behind_blanks(text, at + 1);
  const std::size_t line = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  if (is_blank(text[at]) && behind_blanks(text, line) > at) return behind_blanks(text, at);
  for (++at; at < text.size() && !begins_character(text[at]);) ++at;
  return at;
}

/// How many keys are left at each place of `text`.
std::vector<std::size_t> keys_left(std::string_view text) {
  std::vector<std::size_t> left(text.size() + 1);
  for (std::size_t at = text.size(); at-- > 0;) left[at] = 1 + left[after_key(text, at)];
  return left;
}

/// Up to where the person reads: the end of the first word that has a wrong byte.
std::size_t read_end(std::string_view suggestion, std::size_t n_right) {
  std::size_t end = 0;
  while (end <= n_right && end < suggestion.size()) end += first_word(suggestion.substr(end)).size();
  return end;
}

/// A part of a suggestion and the keys that take it.
struct Part {
  std::size_t n_bytes = 0;
  std::size_t n_keys = 0;
};

class User {
 public:
  User(std::string_view text, Typing& typing) : text_(text), typing_(typing), keys_left_(keys_left(text)) {}

  void see(const std::string& suggestion) {
    if (suggestion == seen_) return;
    seen_ = suggestion;
    was_taken_ = false;
    if (suggestion.empty()) return;
    std::size_t n_right = right_bytes();
    while (n_right > 0 && n_right < seen_.size() && !begins_character(seen_[n_right])) --n_right;
    const std::string_view seen = seen_;
    ++typing_.suggestions;
    typing_.shown_characters += count_characters(seen);
    typing_.right_characters += count_characters(seen.substr(0, n_right));
    typing_.read_characters += count_characters(seen.substr(0, read_end(seen, n_right)));
  }

  void act() {
    const Part part = worth_taking();
    if (part.n_bytes == 0) return type();
    if (!was_taken_) ++(part.n_bytes == seen_.size() ? typing_.accepted_whole : typing_.accepted_partly);
    was_taken_ = true;
    typing_.accept_keys += part.n_keys;
    typing_.accepted_bytes += part.n_bytes;
    written_ += seen_.substr(0, part.n_bytes);
    seen_.erase(0, part.n_bytes);
  }

  bool is_done() const { return written_.size() >= text_.size(); }
  std::string_view written() const { return written_; }
  std::string take_written() { return std::move(written_); }

 private:
  std::size_t right_bytes() const {
    const std::string_view rest = text_.substr(written_.size());
    return static_cast<std::size_t>(std::ranges::mismatch(seen_, rest).in1 - seen_.begin());
  }

  Part worth_taking() const {
    const std::size_t n_right = right_bytes();
    const std::size_t at = written_.size();
    if (n_right == seen_.size() && keys_left_[at] > keys_left_[at + n_right] + 1) return {n_right, 1};
    Part best;
    std::size_t most_saved = 0;
    Part part;
    while (part.n_bytes < n_right) {
      part.n_bytes += first_word(std::string_view(seen_).substr(part.n_bytes)).size();
      ++part.n_keys;
      if (part.n_bytes > n_right) break;
      const std::size_t n_typed = keys_left_[at] - keys_left_[at + part.n_bytes];
      if (n_typed > part.n_keys + most_saved) {
        most_saved = n_typed - part.n_keys;
        best = part;
      }
    }
    return best;
  }

  void type() {
    const std::size_t begin = written_.size();
    const std::string_view typed = text_.substr(begin, after_key(text_, begin) - begin);
    ++typing_.typed_keys;
    written_ += typed;
    if (seen_.starts_with(typed)) {
      seen_.erase(0, typed.size());
    } else {
      seen_.clear();
    }
  }

  std::string_view text_;
  Typing& typing_;
  std::vector<std::size_t> keys_left_;
  std::string written_;
  std::string seen_;  // what is left of the suggestion that was read
  bool was_taken_ = false;
};

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }
double share(std::size_t part, std::size_t whole) { return share(static_cast<double>(part), static_cast<double>(whole)); }

}  // namespace

Typing& Typing::operator+=(const Typing& other) {
  bytes += other.bytes;
  keys_without += other.keys_without;
  typed_keys += other.typed_keys;
  accept_keys += other.accept_keys;
  accepted_bytes += other.accepted_bytes;
  suggestions += other.suggestions;
  accepted_whole += other.accepted_whole;
  accepted_partly += other.accepted_partly;
  shown_characters += other.shown_characters;
  right_characters += other.right_characters;
  read_characters += other.read_characters;
  return *this;
}

double Typing::keys_saved() const { return share(keys_without - keys(), keys_without); }

double Typing::attention_s() const {
  return (kNoticeMs * static_cast<double>(suggestions) + kReadMs * static_cast<double>(read_characters)) / 1e3;
}

double Typing::time_without_s() const { return kKeyMs * static_cast<double>(keys_without) / 1e3; }

double Typing::time_saved() const {
  return share(kKeyMs * static_cast<double>(keys_without - keys()) / 1e3 - attention_s(), time_without_s());
}

double Typing::break_even_ms() const {
  return share(kKeyMs * static_cast<double>(keys_without - keys()), static_cast<double>(suggestions));
}

nlohmann::json Typing::json() const {
  return {{"bytes", bytes},
          {"keys_without", keys_without},
          {"keys", keys()},
          {"accept_keys", accept_keys},
          {"accepted_bytes", accepted_bytes},
          {"suggestions", suggestions},
          {"accepted_whole", accepted_whole},
          {"accepted_partly", accepted_partly},
          {"shown_characters", shown_characters},
          {"right_characters", right_characters},
          {"read_characters", read_characters},
          {"keys_saved", keys_saved()},
          {"accepted_whole_share", share(accepted_whole, suggestions)},
          {"accepted_partly_share", share(accepted_partly, suggestions)},
          {"right_share", share(right_characters, shown_characters)},
          {"attention_s", attention_s()},
          {"shown_per_attention_s", share(static_cast<double>(shown_characters), attention_s())},
          {"right_per_attention_s", share(static_cast<double>(right_characters), attention_s())},
          {"time_without_s", time_without_s()},
          {"time_saved", time_saved()},
          {"break_even_ms", break_even_ms()}};
}

std::string_view first_word(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && is_space(text[end])) ++end;
  const auto is_sign = [](char c) { return !is_space(c) && !engine::is_identifier_byte(c); };
  const std::size_t begin = end;
  while (end < text.size() && engine::is_identifier_byte(text[end])) ++end;
  while (end < text.size() && (end == begin || is_sign(text[end - 1])) && is_sign(text[end])) ++end;
  return text.substr(0, end);
}

std::size_t count_keys(std::string_view text) { return keys_left(text)[0]; }

std::string type_text(std::string_view text, const Suggest& suggest, Typing& typing) {
  typing.bytes += text.size();
  typing.keys_without += count_keys(text);
  User user(text, typing);
  while (!user.is_done()) {
    user.see(suggest(user.written()));
    user.act();
  }
  return user.take_written();
}

}  // namespace octet::benchmarks

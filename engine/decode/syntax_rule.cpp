#include "engine/decode/syntax_rule.h"

#include "engine/decode/identifier.h"

namespace octet::engine {
namespace {

/// How many places the end is looked for, from the last one backwards.
constexpr int kMaxLooks = 12;

/// Whether a token ends between these two characters.
bool is_boundary(char before, char after) { return !is_identifier_byte(before) || !is_identifier_byte(after); }

/// What nobody ends with: an operator, a comma, white space.
bool may_end_with(char c) { return is_identifier_byte(c) || std::string_view("()[]{};\"'`>:*!?%~#$\\").find(c) != std::string_view::npos; }

}  // namespace

SyntaxRule::SyntaxRule(const SyntaxTree& tree, std::size_t cursor) : syntax_(tree, cursor) {
  const auto n_errors = syntax_.n_errors("");
  is_blind_ = !n_errors;
  n_errors_ = n_errors.value_or(0);
}

std::optional<std::size_t> SyntaxRule::n_errors(std::size_t n_bytes) {
  const auto n = syntax_.n_errors(std::string_view(written_).substr(0, n_bytes));
  if (!n) is_blind_ = true;
  return n;
}

Ruling SyntaxRule::next(std::string_view character, double /*probability*/) {
  const bool is_line_end = character.front() == '\n';
  const bool is_long = written_.size() >= looked_at_ + kLookBytes && !is_identifier_byte(written_.back()) && may_end_with(written_.back());
  if (!is_blind_ && (is_line_end || is_long) && !written_.empty()) {
    const auto n = n_errors(written_.size());
    if (n && *n <= n_errors_) {
      n_errors_ = *n;
      n_sound_ = starts_.size();
      looked_at_ = written_.size();
    }
  }
  starts_.push_back(written_.size());
  written_ += character;
  if (is_blind_) n_sound_ = starts_.size();
  return ruling();
}

Ruling SyntaxRule::end(StopReason reason) {
  if (is_blind_) return {};
  std::size_t fewest = n_errors_ + 1;
  const std::size_t n_left = n_sound_;
  int n_looks = 0;
  for (std::size_t end = starts_.size(); end > n_left && n_looks < kMaxLooks && fewest > 0; --end) {
    const bool is_all = end == starts_.size();
    const std::size_t n_bytes = is_all ? written_.size() : starts_[end];
    const char next = is_all ? '\n' : written_[n_bytes];
    const bool is_end = is_boundary(written_[n_bytes - 1], next) && may_end_with(written_[n_bytes - 1]);
    if (!is_end && !(is_all && is_whole(reason))) continue;
    ++n_looks;
    const auto n = n_errors(n_bytes);
    if (!n) return {};
    if (*n < fewest) {
      fewest = *n;
      n_sound_ = end;
    }
  }
  Ruling ruling = this->ruling();
  // What was not sure enough would have gone on.
  if (ruling.n_held > 0 && reason != StopReason::kLowConfidence) ruling.stop = StopReason::kSyntax;
  return ruling;
}

}  // namespace octet::engine

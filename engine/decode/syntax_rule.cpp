#include "engine/decode/syntax_rule.h"

#include "engine/decode/identifier.h"

namespace octet::engine {
namespace {

/// How many places the end is looked for, from the last one backwards.
constexpr int kMaxLooks = 12;

/// Whether a token ends between these two characters.
bool is_boundary(char before, char after) { return !is_identifier_byte(before) || !is_identifier_byte(after); }

/// What nobody ends with: an operator, a comma, an opener, white space.
bool may_end_with(char c) { return is_identifier_byte(c) || std::string_view(")]};\"'`>:*!?%~#$\\").find(c) != std::string_view::npos; }

}  // namespace

SyntaxRule::SyntaxRule(const SyntaxTree& tree, std::size_t cursor) : syntax_(tree, cursor) {
  const auto n_errors = syntax_.n_errors("");
  is_blind_ = !n_errors;
  n_errors_before_ = n_errors.value_or(0);
}

bool SyntaxRule::is_sound(std::string_view written) {
  const auto n_errors = syntax_.n_errors(written);
  if (!n_errors) is_blind_ = true;
  return is_blind_ || *n_errors <= n_errors_before_;
}

Ruling SyntaxRule::next(std::string_view character, double /*probability*/) {
  const bool is_line_end = character.front() == '\n';
  const bool is_long =
      written_.size() >= looked_at_ + kLookBytes && is_boundary(written_.back(), character.front()) && may_end_with(written_.back());
  if (!is_blind_ && (is_line_end || is_long) && !written_.empty()) {
    looked_at_ = written_.size();
    if (is_sound(written_)) n_sound_ = starts_.size();
  }
  starts_.push_back(written_.size());
  written_ += character;
  if (is_blind_) n_sound_ = starts_.size();
  return ruling();
}

Ruling SyntaxRule::end(StopReason reason) {
  if (is_blind_) return {};
  int n_looks = 0;
  for (std::size_t end = starts_.size(); end > n_sound_ && n_looks < kMaxLooks; --end) {
    const std::size_t n_bytes = end == starts_.size() ? written_.size() : starts_[end];
    const bool is_whole_text = end == starts_.size() && is_whole(reason);
    const char next = end == starts_.size() ? '\n' : written_[n_bytes];
    if (!is_whole_text && (!is_boundary(written_[n_bytes - 1], next) || !may_end_with(written_[n_bytes - 1]))) continue;
    ++n_looks;
    if (is_sound(std::string_view(written_).substr(0, n_bytes))) n_sound_ = end;
    if (is_blind_) return {};
  }
  Ruling ruling = this->ruling();
  if (ruling.n_held > 0) ruling.stop = StopReason::kSyntax;
  return ruling;
}

}  // namespace octet::engine

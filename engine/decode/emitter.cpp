#include "engine/decode/emitter.h"

#include "bytemodel/control_bytes.h"

namespace octet::engine {
namespace {

const std::string kNoOrigin;

}  // namespace

double Emitter::Character::probability() const {
  double product = 1;
  for (std::size_t i = 0; i < n_bytes; ++i) product *= static_cast<double>(bytes[i].probability);
  return product;
}

std::optional<StopReason> Emitter::push(const Choice& choice) {
  if (choice.byte == kEnd) return end(StopReason::kEnd);
  ++n_bytes_;
  unfinished_.bytes[unfinished_.n_bytes++] = choice;
  if (!gate_.push(choice.byte).empty()) {
    characters_.push_back(unfinished_);
    unfinished_.n_bytes = 0;
    const auto stop = pass(0, characters_.size());
    release();
    if (stop) return stop;
  }
  if (n_bytes_ >= options_.max_bytes) return end(StopReason::kByteBudget);
  return std::nullopt;
}

StopReason Emitter::end(StopReason reason) {
  if (!is_wanted(reason)) return reason;
  reason = end_from(0, reason);
  release();
  return reason;
}

/// The characters before `end` come to a rule, and what it lets pass to the next. Where one stops, those behind it have ended too.
std::optional<StopReason> Emitter::pass(std::size_t rule_idx, std::size_t end) {
  if (rule_idx == n_read_.size()) {
    n_passed_ = end;
    return std::nullopt;
  }
  std::size_t& n_read = n_read_[rule_idx];
  while (n_read < end) {
    const Character& character = characters_[n_read++];
    std::array<char, 4> bytes{};
    for (std::size_t i = 0; i < character.n_bytes; ++i) bytes[i] = static_cast<char>(character.bytes[i].byte);
    const Ruling ruling = options_.rules[rule_idx]->next({bytes.data(), character.n_bytes}, character.probability());
    if (const auto stop = pass(rule_idx + 1, n_read - ruling.n_held)) return stop;
    if (ruling.stop) return end_from(rule_idx + 1, *ruling.stop);
  }
  return std::nullopt;
}

/// The rules from this one on hear that their text ends.
StopReason Emitter::end_from(std::size_t rule_idx, StopReason reason) {
  for (; rule_idx < n_read_.size(); ++rule_idx) {
    const Ruling ruling = options_.rules[rule_idx]->end(reason);
    if (const auto stop = pass(rule_idx + 1, n_read_[rule_idx] - ruling.n_held)) return *stop;
    reason = ruling.stop.value_or(reason);
  }
  return reason;
}

void Emitter::release() {
  const std::size_t n_before = text_.size();
  for (; n_released_ < n_passed_; ++n_released_) {
    const Character& character = characters_[n_released_];
    if (options_.use_crlf && character.bytes[0].byte == '\n' && (text_.empty() || text_.back() != '\r')) {
      Choice carriage_return = character.bytes[0];
      carriage_return.byte = '\r';
      write(carriage_return);
    }
    for (std::size_t i = 0; i < character.n_bytes; ++i) write(character.bytes[i]);
    confidence_ *= character.probability();
  }
  if (text_.size() > n_before) options_.on_text(std::string_view(text_).substr(n_before));
}

void Emitter::write(const Choice& choice) {
  text_ += static_cast<char>(choice.byte);
  probabilities_.push_back(choice.probability);
  const std::string& origin = choice.origin == nullptr ? kNoOrigin : *choice.origin;
  if (sources_.empty() || sources_.back().source != choice.source || sources_.back().origin != origin) {
    sources_.push_back({0, choice.source, origin});
  }
  ++sources_.back().n_bytes;
}

}  // namespace octet::engine

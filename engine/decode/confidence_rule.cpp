#include "engine/decode/confidence_rule.h"

#include "engine/decode/identifier.h"

namespace octet::engine {

Ruling ConfidenceRule::next(std::string_view character, double probability) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const char c = character.front();
  const bool is_of_word = is_identifier_byte(c);
  if (is_in_word_ && !is_of_word) n_held_ = 0;
  is_in_word_ = is_of_word;
  ++n_held_;
  confidence_ *= probability;
  if (confidence_ < min_confidence_) return {n_held_, StopReason::kLowConfidence};
  if (!is_of_word && kWhiteSpace.find(c) == std::string_view::npos) n_held_ = 0;
  return {n_held_, std::nullopt};
}

}  // namespace octet::engine

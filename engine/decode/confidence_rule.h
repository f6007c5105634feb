// Ends a completion where it becomes unlikely that the user would have written it so.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/decode/text_rule.h"

namespace octet::engine {

/// The completion ends before the word that lets the confidence fall under a minimum. Letters and digits wait until their word is
/// complete, white space for what it leads to; every other character is a word by itself.
class ConfidenceRule final : public TextRule {
 public:
  explicit ConfidenceRule(double min_confidence) : min_confidence_(min_confidence) {}
  Ruling next(std::string_view character, double probability) override;
  /// Of a word that a budget cuts, what there is of it is sure enough.
  Ruling end(StopReason /*reason*/) override { return {}; }

 private:
  double min_confidence_;
  double confidence_ = 1;  // that everything so far is right: the product of the probabilities
  bool is_in_word_ = false;
  std::size_t n_held_ = 0;
};

}  // namespace octet::engine

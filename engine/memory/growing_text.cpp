#include "engine/memory/growing_text.h"

#include <algorithm>
#include <utility>

namespace octet::engine {

GrowingText::GrowingText() {
  for (Chains& chains : chains_) chains.heads.assign(std::size_t{1} << (32 - kShift), kNone);
}

void GrowingText::assign(std::string_view text) {
  const auto same = [](char held, char wanted) { return held == (wanted == '\0' ? '?' : wanted); };
  const auto mismatch = std::mismatch(text_.begin(), text_.end(), text.begin(), text.end(), same);
  const auto n_common = static_cast<std::size_t>(mismatch.first - text_.begin());
  while (text_.size() > n_common) pop_back();
  for (const char byte : text.substr(n_common)) push_back(byte);
}

/// The byte makes the place before it one that predicts something.
void GrowingText::push_back(char byte) {
  const std::size_t position = text_.size();
  for (std::size_t kind = 0; kind < kContextKinds; ++kind) {
    Chains& chains = chains_[kind];
    chains.previous.push_back(kNone);
    if (const auto hash = context_hash(static_cast<ContextKind>(kind), text_, position)) {
      chains.previous.back() = std::exchange(chains.heads[*hash >> kShift], static_cast<std::uint32_t>(position));
    }
  }
  text_.push_back(byte == '\0' ? '?' : byte);
}

void GrowingText::pop_back() {
  text_.pop_back();
  const std::size_t position = text_.size();
  for (std::size_t kind = 0; kind < kContextKinds; ++kind) {
    Chains& chains = chains_[kind];
    if (const auto hash = context_hash(static_cast<ContextKind>(kind), text_, position))
      chains.heads[*hash >> kShift] = chains.previous.back();
    chains.previous.pop_back();
  }
}

}  // namespace octet::engine

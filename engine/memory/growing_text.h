// The text before the cursor, searchable by context while it grows and shrinks at its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/memory/context.h"

namespace octet::engine {

/// Every kind of context; a few tens of bytes for a byte of text, which is why it holds one document at most. One thread.
class GrowingText {
 public:
  GrowingText();

  std::string_view text() const { return text_; }

  /// Makes the text `text`, in time proportional to what is behind the longest common prefix. NUL bytes become '?'.
  void assign(std::string_view text);
  void push_back(char byte);

  /// As TextSegment::visit: the places before text().size() with a byte behind them, from the last to the first.
  template <class Visit>
  void visit(ContextKind kind, std::uint32_t hash, const Visit& visit) const {
    const Chains& chains = chains_[static_cast<std::size_t>(kind)];
    for (std::uint32_t position = chains.heads[hash >> kShift]; position != kNone; position = chains.previous[position]) {
      if (!visit(std::size_t{position})) return;
    }
  }

 private:
  static constexpr int kShift = 18;  // 2^14 heads
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Chains {
    std::vector<std::uint32_t> heads;     // the last place of each bucket
    std::vector<std::uint32_t> previous;  // the place before in the same bucket
  };
  void pop_back();

  std::string text_;
  std::array<Chains, kContextKinds> chains_;
};

}  // namespace octet::engine

// A judge of a completion's text. Several stand in a row before the reader: each reads what the one before it lets pass.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "engine/completion.h"

namespace octet::engine {

/// What a rule says of the text that it has read.
struct Ruling {
  std::size_t n_held = 0;          // characters at its end that may not leave yet, the newest included
  std::optional<StopReason> stop;  // where set, the completion ends before them
};

/// Belongs to one completion. Its rulings are functions of document and text alone; what it let pass it never takes back.
class TextRule {
 public:
  virtual ~TextRule() = default;

  /// The text goes on with this UTF-8 character, whose bytes together have this probability.
  virtual Ruling next(std::string_view character, double probability) = 0;

  /// The text ends here: what is still held is given up. With `stop` that is why it ends.
  virtual Ruling end(StopReason reason) = 0;
};

/// Whether the text ends where a rule or the model said, and not somewhere in it. The order is StopReason's.
constexpr bool is_whole(StopReason reason) { return reason < StopReason::kByteBudget; }

/// Whether anybody wants the text.
constexpr bool is_wanted(StopReason reason) { return reason < StopReason::kCancelled; }

}  // namespace octet::engine

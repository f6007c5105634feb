// Who makes a byte of a row of the primary head: the net alone, or the net and what else is known about the text.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/decode/sampler.h"

namespace octet::engine {

/// Belongs to one sequence and goes along with its text. Its choices are functions of row, mask and text alone.
class ByteChooser {
 public:
  virtual ~ByteChooser() = default;

  /// The byte that follows the text; nothing when all allowed logits are NaN.
  virtual std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed) = 0;

  /// The text goes on with `byte`.
  virtual void advance(std::uint8_t byte) = 0;

  /// For drafts: a copy that goes its own way.
  virtual std::unique_ptr<ByteChooser> look_ahead() = 0;

  /// For drafts: the likely byte without any row, and how likely it is.
  virtual std::optional<Choice> guess(const ByteMask& allowed) = 0;
};

/// The net alone.
class NetChooser final : public ByteChooser {
 public:
  std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed) override { return octet::engine::choose(row, allowed); }
  void advance(std::uint8_t) override {}
  std::unique_ptr<ByteChooser> look_ahead() override { return std::make_unique<NetChooser>(); }
  std::optional<Choice> guess(const ByteMask&) override { return std::nullopt; }
};

}  // namespace octet::engine

// The mixture of net and memory as what verification verifies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/decode/byte_chooser.h"
#include "engine/memory/document_memory.h"
#include "engine/memory/mixer.h"

namespace octet::engine {

/// `mixer` and `workspace` outlive it, and so do the corpora of `state`.
class MemoryChooser final : public ByteChooser {
 public:
  MemoryChooser(const Mixer& mixer, const WorkspaceCorpus& workspace, MemoryState state)
      : mixer_(mixer), workspace_(workspace), state_(std::move(state)) {}

  std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed) override;
  /// Where the last look_ahead() went the same way, its states are taken over: they are functions of the text alone.
  void advance(std::uint8_t byte) override;
  std::unique_ptr<ByteChooser> look_ahead() override;
  std::optional<Choice> guess(const ByteMask& allowed) override;

 private:
  /// The bytes that a copy went ahead, and the state behind each.
  struct Trail {
    std::vector<std::uint8_t> bytes;
    std::vector<MemoryState> states;
    std::size_t n_followed = 0;  // by the one who looked ahead
  };
  void attribute(const NetRow& net, Choice& choice) const;

  const Mixer& mixer_;
  const WorkspaceCorpus& workspace_;
  MemoryState state_;
  std::shared_ptr<Trail> ahead_;  // of the copy that this one made
  std::shared_ptr<Trail> left_;   // for the one that this copy was made by
};

}  // namespace octet::engine

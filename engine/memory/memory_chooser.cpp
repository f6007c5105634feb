#include "engine/memory/memory_chooser.h"

#include <array>

namespace octet::engine {

std::optional<Choice> MemoryChooser::choose(LogitsRow row, const ByteMask& allowed) {
  const NetRow net(row, allowed);
  if (!net.is_valid) return octet::engine::choose(row, allowed);  // nothing that could be mixed
  const MixerInput input(net, state_.evidence());
  std::array<float, Evidence::kMostBytes> boosts{};
  mixer_.boosts(input, boosts);
  Choice choice = Mixture(net, input, boosts).best();
  attribute(net, choice);
  return choice;
}

void MemoryChooser::advance(std::uint8_t byte) {
  if (ahead_ && ahead_->n_followed < ahead_->bytes.size() && ahead_->bytes[ahead_->n_followed] == byte) {
    state_ = std::move(ahead_->states[ahead_->n_followed++]);
  } else {
    ahead_ = nullptr;
    state_.advance(byte);
  }
  if (left_) {
    state_.evidence();  // so that it need not be gathered twice
    left_->bytes.push_back(byte);
    left_->states.push_back(state_);
  }
}

std::unique_ptr<ByteChooser> MemoryChooser::look_ahead() {
  state_.evidence();
  auto copy = std::make_unique<MemoryChooser>(mixer_, workspace_, state_);
  ahead_ = std::make_shared<Trail>();
  copy->left_ = ahead_;
  return copy;
}

std::optional<Choice> MemoryChooser::guess(const ByteMask& allowed) {
  const Evidence& evidence = state_.evidence();
  const auto blend = memory_blend(evidence);
  std::optional<Choice> best;
  for (std::size_t i = 0; i < evidence.n_bytes; ++i) {
    if (!allowed[evidence.bytes[i]] || blend[i] <= 0) continue;
    if (!best || blend[i] > best->probability) best = Choice{evidence.bytes[i], blend[i]};
  }
  return best;
}

/// A byte is the memory's where the net alone had chosen another one, and both's where a match goes on with it.
void MemoryChooser::attribute(const NetRow& net, Choice& choice) const {
  const auto in_workspace = state_.match_of(kWorkspace, choice.byte);
  const auto in_document = state_.match_of(kOwn, choice.byte);
  if (choice.byte != net.best) {
    choice.source = ByteSource::kMemory;
  } else if (in_workspace || in_document) {
    choice.source = ByteSource::kBoth;
  }
  const bool is_workspace_longer = in_workspace && (!in_document || in_workspace->length > in_document->length);
  if (choice.source != ByteSource::kNet && is_workspace_longer) choice.origin = &workspace_.path_of(in_workspace->place);
}

}  // namespace octet::engine

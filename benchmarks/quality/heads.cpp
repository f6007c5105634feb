#include "benchmarks/quality/heads.h"

#include <algorithm>

namespace octet::benchmarks {

void HeadTally::add(const engine::Draft& draft, std::size_t n_accepted) {
  ++n_steps_;
  n_bytes_ += n_accepted + 1;
  ++bytes_of_step_[std::min(n_accepted, kPlaces - 1)];
  const std::size_t n_judged = std::min(n_accepted + 1, draft.bytes.size());
  for (std::size_t i = 0; i < n_judged; ++i) {
    Judged& judged = (draft.is_guess[i] ? guesses_ : heads_)[std::min(i, kPlaces - 1)];
    ++judged.n;
    if (i < n_accepted) ++judged.n_right;
  }
}

HeadTally& HeadTally::operator+=(const HeadTally& other) {
  n_steps_ += other.n_steps_;
  n_bytes_ += other.n_bytes_;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    bytes_of_step_[i] += other.bytes_of_step_[i];
    heads_[i].n += other.heads_[i].n;
    heads_[i].n_right += other.heads_[i].n_right;
    guesses_[i].n += other.guesses_[i].n;
    guesses_[i].n_right += other.guesses_[i].n_right;
  }
  return *this;
}

double HeadTally::bytes_per_step() const { return static_cast<double>(n_bytes_) / static_cast<double>(std::max<std::size_t>(n_steps_, 1)); }

nlohmann::json HeadTally::json() const {
  const auto list = [](const std::array<Judged, kPlaces>& places) {
    auto found = nlohmann::json::array();
    for (std::size_t i = 0; i < kPlaces; ++i) {
      // Place 0 is the byte behind the certain one: head 2's.
      if (places[i].n > 0) found.push_back({{"head", i + 2}, {"judged", places[i].n}, {"right", places[i].n_right}});
    }
    return found;
  };
  std::size_t n_lengths = kPlaces;
  while (n_lengths > 0 && bytes_of_step_[n_lengths - 1] == 0) --n_lengths;
  auto bytes_of_step = nlohmann::json::array();
  for (std::size_t i = 0; i < n_lengths; ++i) bytes_of_step.push_back(bytes_of_step_[i]);
  return {{"steps", n_steps_},
          {"bytes_per_step", bytes_per_step()},
          {"bytes_of_step", std::move(bytes_of_step)},
          {"heads", list(heads_)},
          {"guesses", list(guesses_)}};
}

}  // namespace octet::benchmarks

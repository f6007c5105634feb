#include "engine/decode/draft_length.h"

#include <algorithm>

namespace octet::engine {
namespace {

// The probabilities themselves count as this many observations.
constexpr double kPriorWeight = 8;
// Counts are halved here, so that the estimate follows the kind of text that is being written.
constexpr double kMaxObservations = 256;
// Upper ends of the buckets of probability but the last; drafting is decided near 1.
constexpr std::array<float, 9> kBucketEnds{0.2F, 0.35F, 0.5F, 0.65F, 0.8F, 0.9F, 0.95F, 0.98F, 0.995F};

}  // namespace

std::size_t AcceptanceEstimate::bucket(float probability) {
  return static_cast<std::size_t>(std::lower_bound(kBucketEnds.begin(), kBucketEnds.end(), probability) - kBucketEnds.begin());
}

double AcceptanceEstimate::estimate(std::size_t place, float probability) const {
  const Count& count = counts_[std::min(place, kPlaces - 1)][bucket(probability)];
  return (count.accepted + kPriorWeight * static_cast<double>(probability)) / (count.proposed + kPriorWeight);
}

void AcceptanceEstimate::record(std::size_t place, float probability, bool accepted) {
  Count& count = counts_[std::min(place, kPlaces - 1)][bucket(probability)];
  if (count.proposed >= kMaxObservations) {
    count.accepted /= 2;
    count.proposed /= 2;
  }
  count.proposed += 1;
  if (accepted) count.accepted += 1;
}

DraftLength::DraftLength(const StepCosts& costs, std::size_t n_sequences, std::size_t max_bytes)
    : costs_(costs), n_sequences_(n_sequences), max_bytes_(max_bytes), best_rate_(1 / cost(0)) {}

/// Milliseconds that the step takes each sequence if it verifies n_drafted proposals.
double DraftLength::cost(std::size_t n_drafted, double next_draft_ms) const {
  const auto n = static_cast<double>(n_sequences_);
  return costs_.verify_ms(n_sequences_ * (1 + n_drafted)) / n + draft_ms_ + next_draft_ms;
}

bool DraftLength::wants_more(double next_draft_ms) const {
  for (std::size_t n = n_drafted_ + 1; n <= max_bytes_; ++n) {
    if ((expected_ + reaching_ * static_cast<double>(n - n_drafted_)) / cost(n, next_draft_ms) > best_rate_) return true;
  }
  return false;
}

void DraftLength::add(double acceptance, double draft_ms) {
  draft_ms_ += draft_ms;
  ++n_drafted_;
  reaching_ *= acceptance;
  expected_ += reaching_;
  const double rate = expected_ / cost(n_drafted_);
  if (rate > best_rate_) {
    best_rate_ = rate;
    best_ = n_drafted_;
  }
}

}  // namespace octet::engine

#include "engine/memory/evidence.h"

#include <algorithm>
#include <tuple>

namespace octet::engine {
namespace {

// The longest context that anything looks at is a phrase of two words and what stands between them, or a match.
constexpr std::size_t kContextBytes = 64;
constexpr std::size_t kKeptContext = 512;

constexpr std::size_t kMostOfKind = 16;

constexpr float kRecentRate = 1.0F / 12;
constexpr float kLastingRate = 1.0F / 100;

}  // namespace

std::optional<std::size_t> Evidence::index_of(std::uint8_t byte, std::size_t most) {
  for (std::size_t i = 0; i < n_bytes; ++i) {
    if (bytes[i] == byte) return i;
  }
  if (n_bytes >= most) return std::nullopt;
  bytes[n_bytes] = byte;
  return n_bytes++;
}

void MemoryState::advance(std::uint8_t byte) {
  const Evidence& known = evidence();
  for (std::size_t source = 0; source < kSources; ++source) {
    const auto& top = known.of_source[source].top;
    if (!top) continue;
    HitRates& rates = hits_[source];
    const bool is_hit = known.bytes[*top] == byte;
    rates.recent += ((is_hit ? 1.0F : 0.0F) - rates.recent) * kRecentRate;
    rates.lasting += ((is_hit ? 1.0F : 0.0F) - rates.lasting) * kLastingRate;
    rates.n_misses = is_hit ? 0 : rates.n_misses + 1;
  }
  if (context_.size() == kKeptContext) context_.erase(0, kKeptContext - kContextBytes);
  context_.push_back(byte == 0 ? '?' : static_cast<char>(byte));
  for (std::size_t source = 0; source < kSources; ++source) {
    longest_[source].advance(*corpora_[source], context_);
    aligned_[source].advance(*corpora_[source], context_.back(), longest_[source].broken());
  }
  is_counted_ = false;
}

const Evidence& MemoryState::evidence() {
  if (is_counted_) return evidence_;
  is_counted_ = true;
  evidence_ = {};
  evidence_.hits = hits_;
  for (std::size_t source = 0; source < kSources; ++source) count_matches(source);
  for (std::size_t source = 0; source < kSources; ++source) count_alignments(source);
  for (std::size_t source = 0; source < kSources; ++source) count_kinds(source);
  return evidence_;
}

std::optional<Match> MemoryState::match_of(std::size_t source, std::uint8_t byte) const {
  std::optional<Match> best;
  for (const Match& match : longest_[source].matches()) {
    const auto next = static_cast<std::uint8_t>(corpora_[source]->text(match.place.text_idx)[match.place.position]);
    if (next == byte && (!best || match.length > best->length)) best = match;
  }
  return best;
}

void MemoryState::count_matches(std::size_t source) {
  const Corpus& corpus = *corpora_[source];
  SourceEvidence& all = evidence_.of_source[source];
  auto& of_byte = evidence_.of_byte[source];
  bool is_first = true;
  for (const Match& match : longest_[source].matches()) {
    const auto i = evidence_.index_of(static_cast<std::uint8_t>(corpus.text(match.place.text_idx)[match.place.position]));
    if (!i) continue;
    ByteEvidence& byte = of_byte[*i];
    byte.is_newest = byte.is_newest || is_first;
    is_first = false;
    byte.longest = std::max(byte.longest, match.length);
    all.longest = std::max(all.longest, match.length);
    for (std::size_t level = 0; level < kMatchLevels.size() && match.length >= kMatchLevels[level]; ++level) {
      if (byte.n[level]++ == 0) ++all.n_bytes[level];
      ++all.n[level];
    }
    if (source == kWorkspace) {
      const Nearness nearness = corpus.nearness(match.place);
      if (nearness.same_folder) evidence_.longest_in_folder[*i] = std::max(evidence_.longest_in_folder[*i], match.length);
      if (nearness.same_ending) evidence_.longest_of_ending[*i] = std::max(evidence_.longest_of_ending[*i], match.length);
    }
  }
  for (std::size_t i = 0; i < evidence_.n_bytes; ++i) {
    if (of_byte[i].longest == 0) continue;
    const auto rank = [&](std::size_t j) { return std::tie(of_byte[j].longest, of_byte[j].n[0]); };
    if (!all.top || rank(i) > rank(*all.top)) all.top = i;
  }
}

void MemoryState::count_alignments(std::size_t source) {
  SourceEvidence& all = evidence_.of_source[source];
  for (const auto& alignment : aligned_[source].alignments()) {
    if (alignment.is_waiting) continue;
    const auto i =
        evidence_.index_of(static_cast<std::uint8_t>(corpora_[source]->text(alignment.place.text_idx)[alignment.place.position]));
    if (!i) continue;
    ByteEvidence& byte = evidence_.of_byte[source][*i];
    byte.aligned = std::max(byte.aligned, alignment.score());
    ++byte.n_aligned;
    if (!all.top_aligned) all.top_aligned = i;
    all.aligned = std::max(all.aligned, alignment.score());
  }
}

void MemoryState::count_kinds(std::size_t source) {
  const Corpus& corpus = *corpora_[source];
  SourceEvidence& all = evidence_.of_source[source];
  for (std::size_t k = kCountedKinds.size(); k-- > 0;) {  // the most telling first: there is room for so many bytes only
    corpus.find(kCountedKinds[k], context_, kMostOfKind, found_);
    bool is_first = true;
    for (const Place& place : found_) {
      const auto i = evidence_.index_of(static_cast<std::uint8_t>(corpus.text(place.text_idx)[place.position]));
      if (!i) continue;
      ByteEvidence& byte = evidence_.of_byte[source][*i];
      if (byte.kind[k]++ == 0) ++all.n_bytes_of_kind[k];
      ++all.kind[k];
      byte.is_newest_of_kind[k] = byte.is_newest_of_kind[k] || is_first;
      is_first = false;
    }
  }
}

}  // namespace octet::engine

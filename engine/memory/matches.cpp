#include "engine/memory/matches.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace octet::engine {
namespace {

// A shorter match that ends says little about what follows the word that differs.
constexpr std::uint32_t kMinBroken = 10;
constexpr std::uint32_t kMinAligned = 3;
constexpr std::uint32_t kLong = 20;
constexpr std::uint32_t kMaxWait = 40;  // bytes of a word

bool predicts(const Corpus& corpus, Place place) {
  const std::string_view text = corpus.text(place.text_idx);
  return place.position < text.size() && text[place.position] != '\0';
}

}  // namespace

void LongestMatches::advance(const Corpus& corpus, std::string_view context) {
  merged_.clear();
  broken_.clear();
  for (const Match& match : matches_) {
    const Place next{match.place.text_idx, match.place.position + 1};
    if (corpus.text(match.place.text_idx)[match.place.position] != context.back()) {
      if (match.length >= kMinBroken) broken_.push_back(match);
    } else if (predicts(corpus, next)) {
      merged_.push_back({next, std::min<std::uint32_t>(match.length + 1, kMaxMatch)});
    }
  }
  matches_.swap(merged_);

  // Beside long matches those that begin say nothing: their places are not looked up.
  const auto is_long = [](const Match& match) { return match.length >= kLong; };
  if (static_cast<std::size_t>(std::count_if(matches_.begin(), matches_.end(), is_long)) >= kEnough) return;

  corpus.find(ContextKind::kBytes4, context, kMost, found_);
  merged_.clear();
  auto held = matches_.begin();
  for (const Place& place : found_) {
    while (held != matches_.end() && held->place.is_newer_than(place)) merged_.push_back(*held++);
    if (held != matches_.end() && held->place == place) continue;
    const auto length = match_length(corpus.text(place.text_idx), place.position, context, context.size());
    merged_.push_back({place, static_cast<std::uint32_t>(length)});
  }
  merged_.insert(merged_.end(), held, matches_.end());

  if (merged_.size() > kMost) {
    std::array<std::size_t, kMaxMatch + 1> n_of_length{};
    for (const Match& match : merged_) ++n_of_length[match.length];
    std::size_t shortest = kMaxMatch;
    std::size_t n_longer = 0;
    while (n_longer + n_of_length[shortest] < kMost) n_longer += n_of_length[shortest--];
    std::size_t room = kMost - n_longer;  // for those of the shortest length that is kept
    std::erase_if(merged_, [&](const Match& match) {
      if (match.length != shortest) return match.length < shortest;
      if (room == 0) return true;
      --room;
      return false;
    });
  }
  matches_.swap(merged_);
}

void AlignedMatches::advance(const Corpus& corpus, char byte, std::span<const Match> broken) {
  next_.clear();
  // The other text has another byte at `place`. Behind its word and ours both may go on alike.
  const auto wait = [&](Place place, std::uint32_t earlier, std::uint32_t waited) {
    if (is_word_byte(byte)) {
      if (waited < kMaxWait) next_.push_back({place, 0, earlier, waited + 1, true});
      return;
    }
    const std::string_view text = corpus.text(place.text_idx);
    const std::size_t most = std::min<std::size_t>(text.size(), place.position + kMaxWait);
    std::size_t end = place.position;
    while (end < most && is_word_byte(text[end])) ++end;
    const Place behind{place.text_idx, static_cast<std::uint32_t>(end + 1)};
    if (end < most && text[end] == byte && predicts(corpus, behind)) next_.push_back({behind, 1, earlier, 0, false});
  };
  for (const Alignment& alignment : alignments_) {
    if (alignment.is_waiting) {
      wait(alignment.place, alignment.earlier, alignment.waited);
    } else if (corpus.text(alignment.place.text_idx)[alignment.place.position] == byte) {
      const Place next{alignment.place.text_idx, alignment.place.position + 1};
      if (predicts(corpus, next))
        next_.push_back({next, std::min<std::uint32_t>(alignment.length + 1, kMaxMatch), alignment.earlier, 0, false});
    } else if (alignment.length >= kMinAligned) {
      wait(alignment.place, std::max(alignment.earlier * 2 / 3, alignment.length), 0);
    } else {
      wait(alignment.place, alignment.earlier / 2, 0);
    }
  }
  for (const Match& match : broken) wait(match.place, match.length, 0);
  keep_best();
}

void AlignedMatches::keep_best() {
  std::sort(next_.begin(), next_.end(), [](const Alignment& a, const Alignment& b) {
    if (a.score() != b.score()) return a.score() > b.score();
    if (a.place != b.place) return a.place.is_newer_than(b.place);
    return a.is_waiting < b.is_waiting;
  });
  alignments_.clear();
  for (const Alignment& alignment : next_) {
    if (alignments_.size() == kMost || alignment.score() < kMinAligned) break;
    const auto is_same = [&](const Alignment& held) { return held.place == alignment.place && held.is_waiting == alignment.is_waiting; };
    if (std::none_of(alignments_.begin(), alignments_.end(), is_same)) alignments_.push_back(alignment);
  }
}

}  // namespace octet::engine

// Where the corpus says what the text has just said: the places that a writer may be following.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/memory/corpus.h"

namespace octet::engine {

struct Match {
  Place place;
  std::uint32_t length = 0;  // how many bytes before it are the text's, at most kMaxMatch
};

/// The longest matches of a text that grows. A value: a copy goes its own way.
class LongestMatches {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kEnough = 8;

  /// `context` is the text, or its end of at least kMaxMatch bytes, after one byte more. Matches that go on stay; unless
  /// there are kEnough long ones, the newest of those that begin are looked up; of more than kMost the longest are kept, of equal ones the
  /// newest.
  void advance(const Corpus& corpus, std::string_view context);

  /// Newest first.
  std::span<const Match> matches() const { return matches_; }
  /// Those that the last byte ended; `place` is the byte that it should have been.
  std::span<const Match> broken() const { return broken_; }

 private:
  std::vector<Match> matches_;
  std::vector<Match> broken_;
  std::vector<Match> merged_;
  std::vector<Place> found_;
};

/// Matches that go on behind a word that is another one here: text that was copied and then changed. A value.
class AlignedMatches {
 public:
  struct Alignment {
    Place place;
    std::uint32_t length = 0;   // since the last word that differed
    std::uint32_t earlier = 0;  // before it, worth less with each one
    std::uint32_t waited = 0;   // bytes since a word began to differ that has not ended yet
    bool is_waiting = false;    // then `place` is where the other word began to differ, and predicts nothing

    std::uint32_t score() const { return earlier + length; }
  };

  /// `byte` is the last one of the text, `broken` the matches that it ended.
  void advance(const Corpus& corpus, char byte, std::span<const Match> broken);

  /// The best first, waiting ones among them.
  std::span<const Alignment> alignments() const { return alignments_; }

 private:
  static constexpr std::size_t kMost = 16;
  void keep_best();

  std::vector<Alignment> alignments_;
  std::vector<Alignment> next_;
};

}  // namespace octet::engine

// What the memory knows about the next byte: which bytes followed contexts like this one, how often, and behind how long a match.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/memory/matches.h"

namespace octet::engine {

/// The two corpora that the memory looks into: the document before the cursor, and everything else.
inline constexpr std::size_t kSources = 2;
inline constexpr std::size_t kOwn = 0;
inline constexpr std::size_t kWorkspace = 1;

/// Matches are counted by their length: those at least as long as each of these.
inline constexpr std::array<std::uint32_t, 7> kMatchLevels{4, 6, 8, 12, 16, 24, 32};
/// The contexts that are counted without regard to a match's length, from the vaguest to the most telling.
inline constexpr std::array kCountedKinds{ContextKind::kBytes2, ContextKind::kBytes3, ContextKind::kWord, ContextKind::kPhrase};

/// What one source says about one byte.
struct ByteEvidence {
  std::uint32_t longest = 0;                               // match that it followed
  std::array<std::uint16_t, kMatchLevels.size()> n{};      // matches that it followed, by their length
  std::array<std::uint16_t, kCountedKinds.size()> kind{};  // places that it followed
  bool is_newest = false;                                  // it followed the newest match
  std::array<bool, kCountedKinds.size()> is_newest_of_kind{};
  std::uint32_t aligned = 0;  // the best score of an alignment that it followed
  std::uint32_t n_aligned = 0;
};

/// What one source says in all.
struct SourceEvidence {
  std::uint32_t longest = 0;
  std::array<std::uint16_t, kMatchLevels.size()> n{};
  std::array<std::uint16_t, kMatchLevels.size()> n_bytes{};  // different ones
  std::array<std::uint16_t, kCountedKinds.size()> kind{};
  std::array<std::uint16_t, kCountedKinds.size()> n_bytes_of_kind{};
  std::uint32_t aligned = 0;
  std::optional<std::size_t> top;          // index of the byte behind the longest match, of several the most frequent
  std::optional<std::size_t> top_aligned;  // index of the byte behind the best alignment
};

/// How often the top byte of a source turned out right lately.
struct HitRates {
  float recent = 0.5F;
  float lasting = 0.5F;
  std::uint32_t n_misses = 0;  // since the last hit
};

struct Evidence {
  static constexpr std::size_t kMostRemembered = 12;
  static constexpr std::size_t kMostBytes = kMostRemembered + 2;  // and the net's own two best

  std::size_t n_bytes = 0;
  std::array<std::uint8_t, kMostBytes> bytes{};
  std::array<std::array<ByteEvidence, kMostBytes>, kSources> of_byte{};
  std::array<SourceEvidence, kSources> of_source{};
  std::array<HitRates, kSources> hits{};
  std::array<std::uint32_t, kMostBytes> longest_in_folder{};  // match in a file of the document's folder
  std::array<std::uint32_t, kMostBytes> longest_of_ending{};  // match in a file of the document's ending

  /// The index of `byte`, which is added where there are fewer than `most`; nothing where there is no room.
  std::optional<std::size_t> index_of(std::uint8_t byte, std::size_t most = kMostRemembered);
};

/// Where a text stands in the memory. A value; the corpora outlive it and do not change while it is used, except that the document's own
/// may grow at its end.
class MemoryState {
 public:
  MemoryState(const Corpus& own, const Corpus& workspace) : corpora_{&own, &workspace} {}

  /// The text got one byte longer.
  void advance(std::uint8_t byte);

  /// What is known about the byte behind the text; valid until the next advance().
  const Evidence& evidence();

  /// The longest match of a source of which `byte` is the next; nothing where there is none.
  std::optional<Match> match_of(std::size_t source, std::uint8_t byte) const;
  const Corpus& corpus(std::size_t source) const { return *corpora_[source]; }

 private:
  void count_matches(std::size_t source);
  void count_alignments(std::size_t source);
  void count_kinds(std::size_t source);

  std::array<const Corpus*, kSources> corpora_;
  std::string context_;  // the text's end
  std::array<LongestMatches, kSources> longest_;
  std::array<AlignedMatches, kSources> aligned_;
  std::array<HitRates, kSources> hits_;
  Evidence evidence_;
  bool is_counted_ = false;
  std::vector<Place> found_;
};

}  // namespace octet::engine

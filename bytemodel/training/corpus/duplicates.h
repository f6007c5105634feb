// Documents that stand in the corpus already: the same but for white space, or nearly the same as held-out text.
// Source: Broder 1997 (MinHash), Leskovec et al., "Mining of Massive Datasets", chapter 3 (bands).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace octet::bytemodel::training {

/// A hash over the bytes that are not white space.
std::uint64_t content_hash(std::string_view text);

inline constexpr std::size_t kMinHashes = 64;
using MinHash = std::array<std::uint64_t, kMinHashes>;

/// The smallest of 64 hash functions over all runs of three lines, trimmed and without empty ones. The share of equal
/// entries of two texts estimates the Jaccard similarity of their sets of runs.
MinHash min_hash(std::string_view text);
double similarity(const MinHash& a, const MinHash& b);

/// At this similarity a training document counts as held-out text.
inline constexpr double kNearDuplicate = 0.5;

/// Finds texts near to those that were added. 32 bands of 2: a pair of similarity 0.5 meets with probability 0.9999; with 16 bands
/// of 4 it would be 0.64. A pair that shares a licence's head only meets too, and is told apart by all 64.
class NearDuplicates {
 public:
  void add(const MinHash& hash);
  bool contains(const MinHash& hash) const;

 private:
  std::vector<MinHash> known_;
  std::unordered_multimap<std::uint64_t, std::size_t> bands_;  // hash of a band -> index
};

}  // namespace octet::bytemodel::training

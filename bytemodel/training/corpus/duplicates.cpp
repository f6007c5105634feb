#include "bytemodel/training/corpus/duplicates.h"

#include <algorithm>
#include <cctype>
#include <limits>

namespace octet::bytemodel::training {
namespace {

constexpr std::size_t kBandSize = 2;
constexpr std::size_t kBands = kMinHashes / kBandSize;
constexpr std::size_t kRunLines = 3;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// 64-bit FNV-1a.
std::uint64_t hash_text(std::string_view text, std::uint64_t hash = 14695981039346656037ULL) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return hash;
}

std::string_view trim(std::string_view line) {
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())) != 0) line.remove_prefix(1);
  while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.remove_suffix(1);
  return line;
}

std::uint64_t band_hash(const MinHash& hash, std::size_t band) {
  std::uint64_t out = mix(band + 1);
  for (std::size_t i = 0; i < kBandSize; ++i) out = mix(out ^ hash[band * kBandSize + i]);
  return out;
}

}  // namespace

std::uint64_t content_hash(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return mix(hash);
}

MinHash min_hash(std::string_view text) {
  std::vector<std::uint64_t> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = trim(text.substr(begin, end - begin));
    if (!line.empty()) lines.push_back(hash_text(line));
    begin = end + 1;
  }
  MinHash out;
  out.fill(std::numeric_limits<std::uint64_t>::max());
  const std::size_t n_runs = lines.size() < kRunLines ? (lines.empty() ? 0 : 1) : lines.size() - kRunLines + 1;
  for (std::size_t i = 0; i < n_runs; ++i) {
    std::uint64_t run = 0;
    for (std::size_t j = i; j < std::min(i + kRunLines, lines.size()); ++j) run = mix(run ^ lines[j]);
    for (std::size_t h = 0; h < kMinHashes; ++h) out[h] = std::min(out[h], mix(run + (h + 1) * 0x9E3779B97F4A7C15ULL));
  }
  return out;
}

double similarity(const MinHash& a, const MinHash& b) {
  std::size_t n_equal = 0;
  for (std::size_t i = 0; i < kMinHashes; ++i) n_equal += a[i] == b[i] ? 1 : 0;
  return static_cast<double>(n_equal) / kMinHashes;
}

void NearDuplicates::add(const MinHash& hash) {
  for (std::size_t band = 0; band < kBands; ++band) bands_.emplace(band_hash(hash, band), known_.size());
  known_.push_back(hash);
}

bool NearDuplicates::contains(const MinHash& hash) const {
  for (std::size_t band = 0; band < kBands; ++band) {
    const auto [begin, end] = bands_.equal_range(band_hash(hash, band));
    for (auto at = begin; at != end; ++at) {
      if (similarity(known_[at->second], hash) >= kNearDuplicate) return true;
    }
  }
  return false;
}

}  // namespace octet::bytemodel::training

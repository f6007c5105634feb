#include "engine/memory/text_segment.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "bytemodel/check.h"

namespace octet::engine {
namespace {

constexpr std::size_t kBlock = 256;
constexpr std::size_t kFewPlaces = 16;

/// As many upper bits as give a bucket about four positions.
int bucket_bits(std::size_t n_positions) { return std::clamp(static_cast<int>(std::bit_width(n_positions)) - 2, 1, 24); }

}  // namespace

template <ContextKind kKind>
TextSegment::Lists TextSegment::make_lists(std::string_view text) {
  // Nothing is predicted at a file's end, so the bytes before and behind it need no place.
  const auto for_each_place = [&](const auto& visit) {
    for (std::size_t position = 0; position < text.size(); ++position) {
      if (text[position] == '\0') continue;
      if (const auto hash = context_hash(kKind, text, position)) visit(position, *hash);
    }
  };
  std::size_t n_positions = 0;
  std::vector<std::uint32_t> hashes(text.size());
  std::vector<bool> has_place(text.size());
  for_each_place([&](std::size_t position, std::uint32_t hash) {
    hashes[position] = hash;
    has_place[position] = true;
    ++n_positions;
  });
  Lists lists;
  lists.shift = 32 - bucket_bits(n_positions);
  lists.ends.assign(std::size_t{1} << (32 - lists.shift), 0);
  lists.positions.resize(n_positions);
  // A counting sort: how many, where each bucket begins, then every position to its bucket.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (has_place[i]) ++lists.ends[hashes[i] >> lists.shift];
  }
  std::uint32_t begin = 0;
  for (std::uint32_t& end : lists.ends) begin += std::exchange(end, begin);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (has_place[i]) lists.positions[lists.ends[hashes[i] >> lists.shift]++] = static_cast<std::uint32_t>(i);
  }
  begin = 0;
  for (const std::uint32_t end : lists.ends) {
    const auto first = lists.positions.begin() + begin;
    const auto last = lists.positions.begin() + end;
    const auto by_hash = [&](std::uint32_t a, std::uint32_t b) { return hashes[a] < hashes[b]; };
    if (last - first > static_cast<std::ptrdiff_t>(kFewPlaces) && !std::is_sorted(first, last, by_hash))
      std::stable_sort(first, last, by_hash);
    begin = end;
  }
  return lists;
}

TextSegment::TextSegment(std::span<const SegmentFile> files) {
  std::size_t n_bytes = 0;
  for (const SegmentFile& file : files) n_bytes += file.text->size() + 1;
  OCTET_CHECK(n_bytes < UINT32_MAX);
  text_.reserve(n_bytes);
  for (const SegmentFile& file : files) {
    starts_.push_back(static_cast<std::uint32_t>(text_.size()));
    paths_.push_back(file.path);
    text_ += *file.text;
    std::replace(text_.begin() + starts_.back(), text_.end(), '\0', '?');
    text_ += '\0';
    while (block_files_.size() * kBlock < text_.size()) block_files_.push_back(static_cast<std::uint32_t>(paths_.size() - 1));
  }
  lists_ = {make_lists<kSegmentKinds[0]>(text_), make_lists<kSegmentKinds[1]>(text_)};
}

std::size_t TextSegment::file_at(std::size_t position) const {
  std::size_t file_idx = block_files_[position / kBlock];
  while (file_idx + 1 < starts_.size() && starts_[file_idx + 1] <= position) ++file_idx;
  return file_idx;
}

std::size_t TextSegment::n_bytes() const {
  std::size_t n =
      sizeof(*this) + text_.capacity() + starts_.capacity() * sizeof(starts_[0]) + block_files_.capacity() * sizeof(block_files_[0]);
  for (const std::string& path : paths_) n += sizeof(path) + path.capacity();
  for (const Lists& lists : lists_) n += (lists.ends.capacity() + lists.positions.capacity()) * sizeof(std::uint32_t);
  return n;
}

std::span<const std::uint32_t> TextSegment::places(ContextKind kind, std::uint32_t hash) const {
  const Lists& lists = lists_[static_cast<std::size_t>(kind)];
  const std::size_t bucket = hash >> lists.shift;
  const std::uint32_t begin = bucket == 0 ? 0 : lists.ends[bucket - 1];
  const std::span<const std::uint32_t> all(lists.positions.data() + begin, lists.ends[bucket] - begin);
  if (all.size() <= kFewPlaces) return all;  // the caller compares texts anyway
  const auto hash_at = [&](std::uint32_t position) { return *context_hash(kind, text_, position); };
  if (hash_at(all.front()) == hash && hash_at(all.back()) == hash) return all;  // a frequent context has a bucket to itself
  const auto first = std::partition_point(all.begin(), all.end(), [&](std::uint32_t position) { return hash_at(position) < hash; });
  const auto last = std::partition_point(first, all.end(), [&](std::uint32_t position) { return hash_at(position) == hash; });
  return {first, last};
}

}  // namespace octet::engine

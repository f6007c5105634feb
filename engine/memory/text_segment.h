// Some files of a workspace, searchable by context. Immutable once built, so it is shared between threads without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/memory/context.h"

namespace octet::engine {

/// The kinds that segments have lists for, each 2 to 5 bytes for a byte of text; the others would cost more than they bring.
inline constexpr std::array kSegmentKinds{ContextKind::kBytes4, ContextKind::kWord};

/// One file of a segment: its path as the workspace names it and what it says.
struct SegmentFile {
  std::string path;
  std::shared_ptr<const std::string> text;
};

class TextSegment {
 public:
  /// `files` from the oldest to the newest. NUL bytes in a text become '?'. CHECKs that the texts have less than 2^32 bytes in all.
  explicit TextSegment(std::span<const SegmentFile> files);

  /// The files' text one after another, a NUL byte behind each.
  std::string_view text() const { return text_; }
  std::size_t n_files() const { return paths_.size(); }
  const std::string& path(std::size_t file_idx) const { return paths_[file_idx]; }
  /// The file that text()[position] belongs to.
  std::size_t file_at(std::size_t position) const;
  std::size_t file_start(std::size_t file_idx) const { return starts_[file_idx]; }
  std::size_t n_bytes() const;  // of memory

  /// The places whose context of `kind`, one of kSegmentKinds, has this hash, ascending; among few of them there may be others.
  std::span<const std::uint32_t> places(ContextKind kind, std::uint32_t hash) const;

 private:
  /// Positions by the upper bits of their hash, where those are many by all of it; ascending. ends[b] is behind the last one of b.
  struct Lists {
    int shift = 31;
    std::vector<std::uint32_t> ends = {0, 0};
    std::vector<std::uint32_t> positions;
  };
  template <ContextKind kKind>  // known when it is compiled: the hash is most of the work
  static Lists make_lists(std::string_view text);

  std::string text_;
  std::vector<std::string> paths_;
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> block_files_;  // the file that each block of text begins in
  std::array<Lists, kSegmentKinds.size()> lists_;
};

}  // namespace octet::engine

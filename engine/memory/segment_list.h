// The files that the memory holds of a workspace, by their last change, cut into searchable segments. No thread, no disk.
//
// A snapshot finds the same places, in the same order, as one that is built afresh from the same files: edits leave no trace.
// Segments are small so that a change costs little: a file that changes is hidden in its segment and becomes a new one, which joins
// its neighbours when they are of like size; a segment with much hidden text is built again.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/memory/workspace_corpus.h"

namespace octet::engine {

/// When a file changed last: open documents behind all others, then by `time`, which are nanoseconds or a count.
struct FileRank {
  bool is_open = false;
  std::int64_t time = 0;

  auto operator<=>(const FileRank&) const = default;
};

/// One thread.
class SegmentList {
 public:
  /// Of text in a segment, but for a file that is larger.
  static constexpr std::size_t kSegmentBytes = std::size_t{1} << 20;
  /// Of memory for a byte of text while it becomes a segment: the segment (8 or 9), its hashes (5), a copy of the text; rounded up.
  static constexpr std::size_t kBuildBytes = 16;
  /// Of memory for a file besides its path and text, or for a segment besides its lists.
  static constexpr std::size_t kFileBytes = 384;

  /// Holds what fits into `max_bytes` of memory, what step() needs included; the oldest files fall out.
  explicit SegmentList(std::size_t max_bytes, std::size_t segment_bytes = kSegmentBytes)
      : max_bytes_(max_bytes), segment_bytes_(segment_bytes) {}

  /// Takes the place of what was there under this path. The text waits for step(). Of files of the same rank the one with the greater
  /// path counts as the older, so that the order is that of list_workspace_files().
  void put(std::string path, FileRank rank, std::shared_ptr<const std::string> text);
  void remove(std::string_view path);

  /// Builds one segment or two; false where there is nothing left to do.
  bool step();

  bool contains(std::string_view path) const { return files_.contains(path); }
  std::size_t n_files() const { return files_.size(); }
  /// Whether a file of this rank and size would stay: it is newer than the oldest, or there is room left. Some room is kept for what
  /// changes later.
  bool has_room_for(std::string_view path, FileRank rank, std::size_t text_bytes) const;

  std::size_t n_waiting_bytes() const { return n_waiting_bytes_; }  // of text, for step()
  std::size_t n_bytes() const;                                      // of memory
  std::size_t n_text_bytes() const;                                 // that can be found or wait

  /// The paths that fell out since the last call.
  std::vector<std::string> take_fallen();

  /// What the steps so far have built. Later changes do not touch it.
  std::shared_ptr<const WorkspaceSnapshot> snapshot() const;

  /// Every file, those that wait included, in no order.
  using Visit = std::function<void(std::string_view path, FileRank rank, std::string_view text)>;
  void for_each_file(const Visit& visit) const;

 private:
  /// Where a file stands in the order.
  struct Key {
    FileRank rank;
    std::string path;
    bool is_newer_than(const Key& other) const { return rank != other.rank ? rank > other.rank : path < other.path; }
  };
  struct NewestFirst {
    bool operator()(const Key& a, const Key& b) const { return a.is_newer_than(b); }
  };
  struct Segment {
    std::shared_ptr<const TextSegment> texts;
    std::vector<FileRank> ranks;  // by file, as in `texts`: the oldest first
    std::vector<bool> is_gone;
    std::size_t n_living = 0;      // files
    std::size_t living_bytes = 0;  // of text
    std::size_t n_bytes = 0;       // of memory

    Key key(std::size_t file_idx) const { return {ranks[file_idx], texts->path(file_idx)}; }
    Key newest() const { return key(ranks.size() - 1); }
    Key oldest() const { return key(0); }
    std::string_view text(std::size_t file_idx) const;
  };
  struct Entry {
    FileRank rank;
    Segment* segment = nullptr;  // nullptr while it waits
    std::size_t file_idx = 0;
  };
  struct File {
    Key key;
    std::shared_ptr<const std::string> text;
  };
  using Files = std::map<std::string, Entry, std::less<>>;

  bool build_waiting();
  void rebuild(std::size_t begin, std::size_t end, std::vector<File> added);
  std::unique_ptr<Segment> build(std::span<const File> newest_first);
  bool has_room_to_build(std::size_t n_files, std::size_t text_bytes) const {
    return n_bytes() + n_files * kFileBytes + text_bytes * kBuildBytes <= max_bytes_;
  }
  bool is_wasteful(const Segment& segment) const;
  bool should_merge(const Segment& newer, const Segment& older) const;
  void hide(const Entry& entry);
  void erase(Files::iterator file);
  /// That one and all that are older fall out.
  void let_fall(const Key& newest);

  std::size_t max_bytes_;
  std::size_t segment_bytes_;
  Files files_;
  std::vector<std::unique_ptr<Segment>> segments_;  // the newest first; what they span never overlaps
  std::map<Key, std::shared_ptr<const std::string>, NewestFirst> waiting_;
  std::size_t n_waiting_bytes_ = 0;
  std::size_t n_segment_bytes_ = 0;
  std::size_t n_file_bytes_ = 0;  // of files_
  std::vector<std::string> fallen_;
};

}  // namespace octet::engine

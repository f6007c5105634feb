#include "engine/memory/segment_list.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "bytemodel/check.h"

namespace octet::engine {

std::string_view SegmentList::Segment::text(std::size_t file_idx) const {
  const std::string_view all = texts->text();
  const std::size_t begin = texts->file_start(file_idx);
  const std::size_t end = file_idx + 1 < ranks.size() ? texts->file_start(file_idx + 1) : all.size();
  return all.substr(begin, end - begin - 1);  // without the NUL byte behind it
}

void SegmentList::put(std::string path, FileRank rank, std::shared_ptr<const std::string> text) {
  remove(path);
  n_waiting_bytes_ += text->size();
  n_file_bytes_ += kFileBytes + 2 * path.size();
  waiting_.emplace(Key{rank, path}, std::move(text));
  files_.emplace(std::move(path), Entry{rank});
}

void SegmentList::remove(std::string_view path) {
  if (const auto file = files_.find(path); file != files_.end()) erase(file);
}

void SegmentList::erase(Files::iterator file) {
  const auto& [path, entry] = *file;
  if (entry.segment == nullptr) {
    const auto waiting = waiting_.find({entry.rank, path});
    n_waiting_bytes_ -= waiting->second->size();
    waiting_.erase(waiting);
  } else {
    hide(entry);
  }
  n_file_bytes_ -= kFileBytes + 2 * path.size();
  files_.erase(file);
}

void SegmentList::hide(const Entry& entry) {
  Segment& segment = *entry.segment;
  segment.is_gone[entry.file_idx] = true;
  segment.living_bytes -= segment.text(entry.file_idx).size();
  if (--segment.n_living > 0) return;
  n_segment_bytes_ -= segment.n_bytes;
  std::erase_if(segments_, [&segment](const auto& other) { return other.get() == &segment; });
}

bool SegmentList::step() {
  if (!waiting_.empty()) return build_waiting();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (is_wasteful(*segments_[i])) return rebuild(i, i + 1, {}), true;
  }
  for (std::size_t i = 0; i + 1 < segments_.size(); ++i) {
    if (should_merge(*segments_[i], *segments_[i + 1])) return rebuild(i, i + 2, {}), true;
  }
  return false;
}

bool SegmentList::is_wasteful(const Segment& segment) const {
  const std::size_t n_bytes = segment.texts->text().size() - segment.ranks.size();
  return 4 * (n_bytes - segment.living_bytes) > n_bytes && has_room_to_build(segment.n_living, segment.living_bytes);
}

/// The newer one at least half as large: text is then copied a few times at most until its segment is full.
bool SegmentList::should_merge(const Segment& newer, const Segment& older) const {
  const std::size_t n_bytes = newer.living_bytes + older.living_bytes;
  return n_bytes <= segment_bytes_ && 2 * newer.living_bytes >= older.living_bytes &&
         has_room_to_build(newer.n_living + older.n_living, n_bytes);
}

/// The newest of the files that wait, with those behind them that belong to the same place.
bool SegmentList::build_waiting() {
  const Key first = waiting_.begin()->first;
  const auto is_newer = [&first](const auto& segment) { return segment->oldest().is_newer_than(first); };
  const auto place = std::find_if_not(segments_.begin(), segments_.end(), is_newer);
  const auto begin = static_cast<std::size_t>(place - segments_.begin());
  const bool is_inside = place != segments_.end() && (*place)->newest().is_newer_than(first);
  const std::size_t end = begin + (is_inside ? 1 : 0);

  std::size_t n_bytes = is_inside ? (*place)->living_bytes : 0;
  std::size_t n_files = is_inside ? (*place)->n_living : 0;
  const auto has_room_for_more = [&](const std::string& text) { return has_room_to_build(n_files + 1, n_bytes + text.size()); };
  const auto text = waiting_.begin()->second;
  while (!has_room_for_more(*text) && segments_.size() > end) let_fall(segments_.back()->newest());
  if (!has_room_for_more(*text)) return let_fall(first), true;

  std::vector<File> added;
  const std::size_t most_bytes = n_bytes + segment_bytes_;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    // A file may come back to the key that it had when it went.
    const bool is_here =
        begin == segments_.size() || !(is_inside ? segments_[begin]->oldest() : segments_[begin]->newest()).is_newer_than(next->first);
    const bool fits = n_bytes + next->second->size() <= most_bytes && has_room_for_more(*next->second);
    if (!is_here || (!added.empty() && !fits)) break;
    n_bytes += next->second->size();
    ++n_files;
    n_waiting_bytes_ -= next->second->size();
    auto taken = waiting_.extract(next++);
    added.push_back({std::move(taken.key()), std::move(taken.mapped())});
  }
  rebuild(begin, end, std::move(added));
  return true;
}

void SegmentList::let_fall(const Key& newest) {
  for (auto file = files_.begin(); file != files_.end();) {
    const auto next = std::next(file);
    if (!Key{file->second.rank, file->first}.is_newer_than(newest)) {
      fallen_.push_back(file->first);
      erase(file);
    }
    file = next;
  }
}

/// Segments [begin, end) and the files that were added, the newest first, become new segments.
void SegmentList::rebuild(std::size_t begin, std::size_t end, std::vector<File> added) {
  std::vector<File> living;
  for (std::size_t i = begin; i < end; ++i) {
    const Segment& segment = *segments_[i];
    for (std::size_t file_idx = segment.ranks.size(); file_idx-- > 0;) {
      if (segment.is_gone[file_idx]) continue;
      living.push_back({segment.key(file_idx), std::make_shared<const std::string>(segment.text(file_idx))});
    }
  }
  std::vector<File> files;
  std::merge(std::make_move_iterator(living.begin()), std::make_move_iterator(living.end()), std::make_move_iterator(added.begin()),
             std::make_move_iterator(added.end()), std::back_inserter(files),
             [](const File& a, const File& b) { return a.key.is_newer_than(b.key); });
  std::size_t n_bytes = 0;
  for (const File& file : files) n_bytes += file.text->size();
  const std::size_t n_segments = n_bytes / (segment_bytes_ + 1) + 1;

  std::vector<std::unique_ptr<Segment>> built;
  for (std::size_t from = 0; from < files.size();) {
    std::size_t to = from;
    std::size_t chunk_bytes = 0;
    while (to < files.size() && (to == from || chunk_bytes + files[to].text->size() / 2 <= n_bytes / n_segments)) {
      chunk_bytes += files[to++].text->size();
    }
    built.push_back(build(std::span(files).subspan(from, to - from)));
    from = to;
  }
  for (std::size_t i = begin; i < end; ++i) n_segment_bytes_ -= segments_[i]->n_bytes;
  const auto at =
      segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(begin), segments_.begin() + static_cast<std::ptrdiff_t>(end));
  segments_.insert(at, std::make_move_iterator(built.begin()), std::make_move_iterator(built.end()));
}

std::unique_ptr<SegmentList::Segment> SegmentList::build(std::span<const File> newest_first) {
  auto segment = std::make_unique<Segment>();
  std::vector<SegmentFile> files;
  for (std::size_t i = newest_first.size(); i-- > 0;) {
    const File& file = newest_first[i];
    Entry& entry = files_.find(file.key.path)->second;
    entry.segment = segment.get();
    entry.file_idx = files.size();
    segment->ranks.push_back(file.key.rank);
    segment->living_bytes += file.text->size();
    files.push_back({file.key.path, file.text});
  }
  segment->n_living = files.size();
  segment->is_gone.resize(files.size());
  segment->texts = std::make_shared<const TextSegment>(files);
  segment->n_bytes = segment->texts->n_bytes();
  n_segment_bytes_ += segment->n_bytes;
  return segment;
}

bool SegmentList::has_room_for(std::string_view path, FileRank rank, std::size_t text_bytes) const {
  const Key key{rank, std::string(path)};
  const bool is_oldest = (segments_.empty() || segments_.back()->oldest().is_newer_than(key)) &&
                         (waiting_.empty() || waiting_.rbegin()->first.is_newer_than(key));
  return !is_oldest || n_bytes() + (n_waiting_bytes_ + text_bytes) * kBuildBytes <= max_bytes_ / 8 * 7;
}

std::size_t SegmentList::n_bytes() const { return n_segment_bytes_ + n_waiting_bytes_ + n_file_bytes_; }

std::size_t SegmentList::n_text_bytes() const {
  std::size_t n = n_waiting_bytes_;
  for (const auto& segment : segments_) n += segment->living_bytes;
  return n;
}

std::vector<std::string> SegmentList::take_fallen() { return std::exchange(fallen_, {}); }

std::shared_ptr<const WorkspaceSnapshot> SegmentList::snapshot() const {
  auto snapshot = std::make_shared<WorkspaceSnapshot>();
  for (const auto& segment : segments_) snapshot->parts.push_back({segment->texts, segment->is_gone});
  return snapshot;
}

void SegmentList::for_each_file(const Visit& visit) const {
  for (const auto& [path, entry] : files_) {
    const bool is_waiting = entry.segment == nullptr;
    visit(path, entry.rank, is_waiting ? *waiting_.at({entry.rank, path}) : entry.segment->text(entry.file_idx));
  }
}

}  // namespace octet::engine

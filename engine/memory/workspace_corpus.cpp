#include "engine/memory/workspace_corpus.h"

#include <algorithm>
#include <utility>

namespace octet::engine {
namespace {

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return path.substr(0, slash == std::string_view::npos ? 0 : slash);
}

std::string_view ending_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(dot);
}

}  // namespace

WorkspaceCorpus::WorkspaceCorpus(std::shared_ptr<const WorkspaceSnapshot> snapshot, std::string path,
                                 std::shared_ptr<const TextSegment> nearby)
    : snapshot_(std::move(snapshot)), path_(std::move(path)) {
  if (nearby) add(std::move(nearby), {}, "");
  for (const WorkspaceSnapshot::Part& part : snapshot_->parts) add(part.segment, part.is_gone, path_);
}

void WorkspaceCorpus::add(std::shared_ptr<const TextSegment> segment, const std::vector<bool>& is_gone, std::string_view hidden_path) {
  Part part{std::move(segment), {}, false};
  const std::string_view folder = folder_of(path_);
  const std::string_view ending = ending_of(path_);
  for (std::size_t i = 0; i < part.segment->n_files(); ++i) {
    const std::string_view path = part.segment->path(i);
    const bool is_hidden = path == hidden_path || (i < is_gone.size() && is_gone[i]);
    part.files.push_back({is_hidden, {folder_of(path) == folder, ending_of(path) == ending}});
    part.has_hidden = part.has_hidden || is_hidden;
  }
  parts_.push_back(std::move(part));
}

void WorkspaceCorpus::find(ContextKind kind, std::string_view context, std::size_t limit, std::vector<Place>& places) const {
  places.clear();
  if (std::find(kSegmentKinds.begin(), kSegmentKinds.end(), kind) == kSegmentKinds.end()) return;
  const auto hash = context_hash(kind, context, context.size());
  if (!hash) return;
  for (std::uint32_t text_idx = 0; text_idx < parts_.size() && places.size() < limit; ++text_idx) {
    const Part& part = parts_[text_idx];
    const auto found = part.segment->places(kind, *hash);
    for (auto end = found.end(); end != found.begin() && places.size() < limit;) {
      const std::uint32_t position = *--end;
      if (part.has_hidden) {
        const std::size_t file_idx = part.segment->file_at(position);
        if (part.files[file_idx].is_hidden) {
          end = std::lower_bound(found.begin(), end, part.segment->file_start(file_idx));
          continue;
        }
      }
      if (has_same_context(kind, part.segment->text(), position, context, context.size(), *hash)) places.push_back({text_idx, position});
    }
  }
}

Nearness WorkspaceCorpus::nearness(Place place) const {
  const Part& part = parts_[place.text_idx];
  return part.files[part.segment->file_at(place.position)].nearness;
}

const std::string& WorkspaceCorpus::path_of(Place place) const {
  const TextSegment& segment = *parts_[place.text_idx].segment;
  return segment.path(segment.file_at(place.position));
}

}  // namespace octet::engine

// The workspace at one moment as a document sees it: its own file is hidden, files near to it are known.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/memory/corpus.h"
#include "engine/memory/text_segment.h"

namespace octet::engine {

/// What the index holds at one moment. Immutable, shared between threads.
struct WorkspaceSnapshot {
  struct Part {
    std::shared_ptr<const TextSegment> segment;
    std::vector<bool> is_gone;  // by file: it is in a newer part in another form, or nowhere
  };
  std::vector<Part> parts;  // the newest first
};

class WorkspaceCorpus final : public Corpus {
 public:
  /// `path`: the document's, relative to the workspace; its file is hidden. `nearby`: more text of the document, or nothing; it
  /// counts as the newest.
  WorkspaceCorpus(std::shared_ptr<const WorkspaceSnapshot> snapshot, std::string path, std::shared_ptr<const TextSegment> nearby = nullptr);

  std::string_view text(std::uint32_t text_idx) const override { return parts_[text_idx].segment->text(); }
  void find(ContextKind kind, std::string_view context, std::size_t limit, std::vector<Place>& places) const override;
  Nearness nearness(Place place) const override;
  /// The file that a place is in.
  const std::string& path_of(Place place) const;

 private:
  struct FileView {
    bool is_hidden = false;
    Nearness nearness;
  };
  struct Part {
    std::shared_ptr<const TextSegment> segment;
    std::vector<FileView> files;
    bool has_hidden = false;
  };
  void add(std::shared_ptr<const TextSegment> segment, const std::vector<bool>& is_gone, std::string_view hidden_path);

  std::shared_ptr<const WorkspaceSnapshot> snapshot_;
  std::string path_;
  std::vector<Part> parts_;
};

}  // namespace octet::engine

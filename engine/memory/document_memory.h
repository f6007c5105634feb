// What the memory keeps for one document from request to request, and its state at a cursor.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/memory/corpus.h"
#include "engine/memory/evidence.h"
#include "engine/memory/growing_text.h"
#include "engine/memory/text_segment.h"
#include "engine/memory/workspace_corpus.h"

namespace octet::engine {

/// The document before the cursor.
class DocumentCorpus final : public Corpus {
 public:
  std::string_view text(std::uint32_t) const override { return text_.text(); }
  void find(ContextKind kind, std::string_view context, std::size_t limit, std::vector<Place>& places) const override;

  GrowingText& growing() { return text_; }

 private:
  GrowingText text_;
};

/// One thread. Not copyable: the states that it gives refer to it.
class DocumentMemory {
 public:
  DocumentMemory() = default;
  DocumentMemory(const DocumentMemory&) = delete;
  DocumentMemory& operator=(const DocumentMemory&) = delete;

  /// The memory's state behind text[0..cursor) of the document of that path in that workspace: a function of the arguments alone, not of
  /// earlier calls. Valid until the next call.
  MemoryState at(std::string_view text, std::size_t cursor, const std::string& path, std::shared_ptr<const WorkspaceSnapshot> snapshot);

  /// After at(): goes on behind one byte more of the document. (What is decoded is not remembered: the states just advance.)
  void type(MemoryState& state, char byte);

  const WorkspaceCorpus& workspace() const { return *workspace_; }

 private:
  void look_behind(std::string_view text, std::size_t cursor, const std::string& path);

  DocumentCorpus own_;
  std::string behind_text_;  // what behind_ was made of
  std::shared_ptr<const TextSegment> behind_;
  std::optional<WorkspaceCorpus> workspace_;
};

}  // namespace octet::engine

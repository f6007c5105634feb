#include "engine/memory/document_memory.h"

#include <algorithm>
#include <utility>

namespace octet::engine {
namespace {

// Matches and hit rates are followed from some way before the cursor on. The start moves in strides, so that it stands still while
// somebody types.
constexpr std::size_t kFollowedBytes = 192;
constexpr std::size_t kFollowedStride = 64;

// Of a long document the part next to the cursor is remembered.
constexpr std::size_t kOwnBytes = std::size_t{64} << 10;
constexpr std::size_t kOwnStride = std::size_t{16} << 10;
constexpr std::size_t kBehindBytes = std::size_t{32} << 10;

// The lines right behind the cursor are what a completion must not repeat.
constexpr int kLinesNotRepeated = 3;

// Contexts share the chains of a small table; a walk over those that only share it ends here.
constexpr std::size_t kMostVisited = 256;

std::size_t start_of(std::size_t cursor, std::size_t most, std::size_t stride) {
  return cursor <= most ? 0 : (cursor - most + stride - 1) / stride * stride;
}

}  // namespace

void DocumentCorpus::find(ContextKind kind, std::string_view context, std::size_t limit, std::vector<Place>& places) const {
  places.clear();
  const auto hash = context_hash(kind, context, context.size());
  if (!hash) return;
  std::size_t n_visited = 0;
  text_.visit(kind, *hash, [&](std::size_t position) {
    if (has_same_context(kind, text(0), position, context, context.size(), *hash))
      places.push_back({0, static_cast<std::uint32_t>(position)});
    return places.size() < limit && ++n_visited < kMostVisited;
  });
}

MemoryState DocumentMemory::at(std::string_view text, std::size_t cursor, const std::string& path,
                               std::shared_ptr<const WorkspaceSnapshot> snapshot) {
  look_behind(text, cursor, path);
  workspace_.emplace(std::move(snapshot), path, behind_);
  const std::size_t own_start = start_of(cursor, kOwnBytes, kOwnStride);
  const std::size_t followed = std::max(own_start, start_of(cursor, kFollowedBytes, kFollowedStride));
  own_.growing().assign(text.substr(own_start, followed - own_start));
  MemoryState state(own_, *workspace_);
  for (std::size_t i = followed; i < cursor; ++i) type(state, text[i]);
  return state;
}

void DocumentMemory::type(MemoryState& state, char byte) {
  own_.growing().push_back(byte);
  state.advance(static_cast<std::uint8_t>(byte));
}

void DocumentMemory::look_behind(std::string_view text, std::size_t cursor, const std::string& path) {
  std::string_view behind = text.substr(cursor);
  for (int i = 0; i < kLinesNotRepeated; ++i) {
    const std::size_t line_end = behind.find('\n');
    behind.remove_prefix(line_end == std::string_view::npos ? behind.size() : line_end + 1);
  }
  behind = behind.substr(0, kBehindBytes);
  if (behind == behind_text_) return;
  behind_text_ = behind;
  behind_ = nullptr;
  if (behind.empty()) return;
  const SegmentFile file{path, std::make_shared<const std::string>(behind)};
  behind_ = std::make_shared<const TextSegment>(std::span(&file, 1));
}

}  // namespace octet::engine

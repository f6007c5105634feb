#include "lsp/workspace_memory.h"

#include <utility>

#include "engine/memory/memory_store.h"

namespace octet::lsp {

void WorkspaceMemory::open(std::vector<std::filesystem::path> roots) {
  folders_.clear();
  for (auto& root : roots) folders_.push_back({std::move(root), nullptr});
  start();
}

void WorkspaceMemory::set_enabled(bool is_enabled) {
  if (is_enabled_ == is_enabled) return;
  is_enabled_ = is_enabled;
  start();
}

void WorkspaceMemory::start() {
  for (Folder& folder : folders_) {
    folder.index =
        is_enabled_
            ? std::make_unique<engine::WorkspaceIndex>(engine::WorkspaceIndex::Options{.root = folder.root, .store_folder = store_folder_})
            : nullptr;
  }
}

void WorkspaceMemory::document_changed(const engine::DocumentSnapshot& document) {
  if (document.path != edited_path_ && edited_text_) {
    const Found left = find(edited_path_);
    if (left.folder != nullptr && left.folder->index) left.folder->index->set_document(left.relative_path, edited_text_);
  }
  edited_path_ = document.path;
  edited_text_ = document.text;
}

void WorkspaceMemory::document_closed(const std::string& path) {
  if (path == edited_path_) edited_text_ = nullptr;
  const Found found = find(path);
  if (found.folder != nullptr && found.folder->index) found.folder->index->close_document(found.relative_path);
}

void WorkspaceMemory::file_changed(const std::string& path) {
  const Found found = find(path);
  if (found.folder != nullptr && found.folder->index) found.folder->index->refresh(found.relative_path);
}

void WorkspaceMemory::attach(engine::CompletionRequest& request) const {
  if (!is_enabled_) return;
  const Found found = find(request.document.path);
  request.workspace_path = found.relative_path;
  request.workspace = found.folder != nullptr && found.folder->index ? found.folder->index->snapshot()
                                                                     : std::make_shared<const engine::WorkspaceSnapshot>();
}

Result<std::size_t> WorkspaceMemory::forget() {
  set_enabled(false);
  for (const Folder& folder : folders_) {
    const auto forgotten = engine::MemoryStore(store_folder_, folder.root).forget();
    if (!forgotten) return tl::unexpected(forgotten.error());
  }
  return folders_.size();
}

WorkspaceMemory::Found WorkspaceMemory::find(const std::string& path) const {
  Found best{nullptr, path};
  std::size_t longest = 0;
  for (const Folder& folder : folders_) {
    const std::string root = folder.root.string() + (folder.root.string().ends_with('/') ? "" : "/");
    if (path.starts_with(root) && root.size() > longest) {
      longest = root.size();
      best = {&folder, path.substr(root.size())};
    }
  }
  return best;
}

}  // namespace octet::lsp

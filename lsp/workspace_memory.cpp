#include "lsp/workspace_memory.h"

#include <algorithm>
#include <utility>

#include "engine/memory/memory_store.h"

namespace octet::lsp {

void WorkspaceMemory::add(const std::vector<std::filesystem::path>& roots) {
  for (const auto& root : roots) {
    if (std::ranges::find(folders_, root, &Folder::root) != folders_.end()) continue;
    folders_.push_back({root, nullptr});
    if (is_enabled_) start(folders_.back());
  }
}

void WorkspaceMemory::remove(const std::vector<std::filesystem::path>& roots) {
  std::erase_if(folders_, [&](const Folder& folder) { return std::ranges::find(roots, folder.root) != roots.end(); });
}

void WorkspaceMemory::set_enabled(bool is_enabled) {
  if (is_enabled_ == is_enabled) return;
  is_enabled_ = is_enabled;
  for (Folder& folder : folders_) {
    folder.index = nullptr;
    if (is_enabled) start(folder);
  }
}

void WorkspaceMemory::start(Folder& folder) {
  folder.index =
      std::make_unique<engine::WorkspaceIndex>(engine::WorkspaceIndex::Options{.root = folder.root, .store_folder = store_folder_});
  for (const auto& [path, text] : documents_) {
    if (path == edited_path_) continue;
    if (const Found found = find(path); found.folder == &folder) folder.index->set_document(found.relative_path, text);
  }
}

void WorkspaceMemory::document_changed(const engine::DocumentSnapshot& document) {
  if (const auto left = documents_.find(edited_path_); document.path != edited_path_ && left != documents_.end()) {
    const Found found = find(edited_path_);
    if (found.folder != nullptr && found.folder->index) found.folder->index->set_document(found.relative_path, left->second);
  }
  edited_path_ = document.path;
  documents_[document.path] = document.text;
}

void WorkspaceMemory::document_closed(const std::string& path) {
  documents_.erase(path);
  const Found found = find(path);
  if (found.folder != nullptr && found.folder->index) found.folder->index->close_document(found.relative_path);
}

void WorkspaceMemory::file_changed(const std::string& path) {
  const Found found = find(path);
  if (found.folder != nullptr && found.folder->index) found.folder->index->refresh(found.relative_path);
}

WorkspaceMemory::Knowledge WorkspaceMemory::knowledge_of(const std::string& path) const {
  if (!is_enabled_) return {};
  Found found = find(path);
  const bool has_index = found.folder != nullptr && found.folder->index;
  return {has_index ? found.folder->index->snapshot() : nothing_, std::move(found.relative_path)};
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

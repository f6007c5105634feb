// The memories of the folders that the editor has open: one index a folder, and what requests see of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "engine/completion.h"
#include "engine/memory/workspace_index.h"

namespace octet::lsp {

/// Owned by the main thread, which alone calls it. Nothing here waits for an index to be built.
class WorkspaceMemory {
 public:
  /// `store_folder`: where indexes leave what they have read; empty: nowhere.
  explicit WorkspaceMemory(std::filesystem::path store_folder) : store_folder_(std::move(store_folder)) {}

  /// Folders of the workspace come and go. Indexes are made at once where memory is on.
  void add(const std::vector<std::filesystem::path>& roots);
  void remove(const std::vector<std::filesystem::path>& roots);
  /// Off: the indexes go, requests use the net alone; what is on the disk stays.
  void set_enabled(bool is_enabled);
  bool is_enabled() const { return is_enabled_; }

  /// A document was opened or changed. While the person is in it, its own requests know it from the document itself; the others' index
  /// gets it when another one is edited.
  void document_changed(const engine::DocumentSnapshot& document);
  void document_closed(const std::string& path);
  /// The file was saved, made or deleted.
  void file_changed(const std::string& path);

  struct Knowledge {
    std::shared_ptr<const engine::WorkspaceSnapshot> snapshot;  // nullptr: memory is off
    std::string relative_path;                                  // of the document, in the folder that it is in
  };
  /// What is known to a document of that path; one of no folder knows itself alone.
  Knowledge knowledge_of(const std::string& path) const;

  /// Forgets all folders, on the disk as well, and turns the memory off. Returns how many there were. Fails with kUnreadable.
  Result<std::size_t> forget();

 private:
  struct Folder {
    std::filesystem::path root;
    std::unique_ptr<engine::WorkspaceIndex> index;
  };
  struct Found {
    const Folder* folder;
    std::string relative_path;
  };
  /// The innermost folder that `path` is in; nullptr and the path where it is in none.
  Found find(const std::string& path) const;
  void start(Folder& folder);

  std::filesystem::path store_folder_;
  bool is_enabled_ = true;
  std::vector<Folder> folders_;
  std::map<std::string, std::shared_ptr<const std::string>> documents_;  // the open ones, by path
  std::shared_ptr<const engine::WorkspaceSnapshot> nothing_ = std::make_shared<const engine::WorkspaceSnapshot>();
  std::string edited_path_;  // the document that the person is in
};

}  // namespace octet::lsp

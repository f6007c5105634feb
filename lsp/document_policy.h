// Which documents may be completed at all.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/context/document.h"
#include "engine/memory/workspace_files.h"
#include "lsp/glob.h"
#include "lsp/settings.h"
#include "lsp/silence.h"

namespace octet::lsp {

/// Documents above this are not completed: each key would copy them whole.
inline constexpr std::size_t kMaxDocumentBytes = std::size_t{16} << 20;

/// Main thread. Asks git's rules, which are files: microseconds where they did not change.
class DocumentPolicy {
 public:
  /// The settings that speak of documents. Returns what is wrong with them, one line each; such a glob is left out.
  std::vector<std::string> configure(const Settings& settings);
  void set_folders(std::vector<std::filesystem::path> folders) { folders_ = std::move(folders); }

  /// Why `document` is not to be completed.
  std::optional<Silence> refusal(const engine::DocumentSnapshot& document);

 private:
  /// The workspace's folder, the repository or the folder that the path is in.
  std::filesystem::path root_of(const std::string& path) const;

  bool is_enabled_ = true;
  std::vector<std::string> disabled_languages_;
  std::vector<Glob> disabled_globs_;
  std::vector<std::filesystem::path> folders_;
  std::map<std::filesystem::path, std::optional<engine::WorkspaceFilter>> filters_;  // nothing: it could not be opened
};

}  // namespace octet::lsp

#include "lsp/document_policy.h"

#include <algorithm>
#include <utility>

namespace octet::lsp {
namespace {

/// Files of many folders outside the workspace are not opened at a time.
constexpr std::size_t kMaxFilters = 64;

bool is_beneath(const std::string& path, const std::filesystem::path& folder) {
  const std::string root = folder.string();
  return path.starts_with(root) && (root.ends_with('/') || path.substr(root.size()).starts_with('/'));
}

}  // namespace

std::vector<std::string> DocumentPolicy::configure(const Settings& settings) {
  is_enabled_ = settings.is_enabled;
  disabled_languages_ = settings.disabled_languages;
  disabled_globs_.clear();
  std::vector<std::string> problems;
  for (const std::string& pattern : settings.disabled_globs) {
    if (auto glob = Glob::parse(pattern)) {
      disabled_globs_.push_back(std::move(*glob));
    } else {
      problems.push_back("octet.disabledGlobs: " + glob.error().message);
    }
  }
  return problems;
}

std::filesystem::path DocumentPolicy::root_of(const std::string& path) const {
  const std::filesystem::path* innermost = nullptr;
  for (const auto& folder : folders_) {
    if (is_beneath(path, folder) && (innermost == nullptr || folder.native().size() > innermost->native().size())) innermost = &folder;
  }
  if (innermost != nullptr) return *innermost;
  if (auto repository = engine::find_workspace_root(path)) return std::move(*repository);
  return std::filesystem::path(path).parent_path();
}

std::optional<Silence> DocumentPolicy::refusal(const engine::DocumentSnapshot& document) {
  if (!is_enabled_) return Silence::kDisabled;
  if (std::ranges::find(disabled_languages_, document.language) != disabled_languages_.end()) return Silence::kDisabledLanguage;
  const std::string& path = document.path;
  const bool is_file = path.starts_with('/');
  const std::filesystem::path root = is_file ? root_of(path) : std::filesystem::path();
  const std::string relative =
      is_file ? path.substr(std::min(path.size(), root.native().size() + (root.native().ends_with('/') ? 0 : 1))) : path;
  if (std::ranges::any_of(disabled_globs_, [&](const Glob& glob) { return glob.matches(path) || glob.matches(relative); })) {
    return Silence::kDisabledGlob;
  }
  if (document.text->size() > kMaxDocumentBytes) return Silence::kTooLarge;

  std::optional<engine::Refusal> reason =
      engine::refused_by_name(relative, /*is_folder=*/false);  // all that is known of a document without a file
  if (is_file) {
    if (filters_.size() > kMaxFilters) filters_.clear();
    auto found = filters_.find(root);
    if (found == filters_.end()) {
      auto opened = engine::WorkspaceFilter::open(root);
      found = filters_.emplace(root, opened ? std::optional(std::move(*opened)) : std::nullopt).first;
    }
    if (found->second) reason = found->second->withheld(relative);
    if (engine::lies_in_secret_folder(path)) reason = engine::Refusal::kSecret;
  }
  if (reason == engine::Refusal::kSecret) return Silence::kSecretFile;
  if (reason == engine::Refusal::kIgnored) return Silence::kIgnoredFile;
  return std::nullopt;
}

}  // namespace octet::lsp

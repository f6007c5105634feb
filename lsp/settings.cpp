#include "lsp/settings.h"

#include <initializer_list>
#include <string_view>

#include "lsp/document_store.h"

namespace octet::lsp {
namespace {

/// The value at the end of a path of names; nullptr where there is none.
const Json* find(const Json& json, std::initializer_list<const char*> names) {
  const Json* at = &json;
  for (const char* name : names) {
    if (!at->is_object() || !at->contains(name)) return nullptr;
    at = &(*at)[name];
  }
  return at;
}

std::optional<bool> flag(const Json& json, std::initializer_list<const char*> names) {
  const Json* value = find(json, names);
  return value != nullptr && value->is_boolean() ? std::optional(value->get<bool>()) : std::nullopt;
}

std::optional<double> share(const Json& json, std::initializer_list<const char*> names) {
  const Json* value = find(json, names);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  const auto number = value->get<double>();
  return number >= 0 && number <= 1 ? std::optional(number) : std::nullopt;
}

/// The folder of a file: URI.
std::optional<std::filesystem::path> folder_of(const Json* uri) {
  if (uri == nullptr || !uri->is_string()) return std::nullopt;
  const auto& text = uri->get_ref<const std::string&>();
  if (!text.starts_with("file://")) return std::nullopt;
  std::string path = path_of_uri(text);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

}  // namespace

std::vector<std::filesystem::path> workspace_folders(const Json& params) {
  std::vector<std::filesystem::path> folders;
  const Json* listed = find(params, {"workspaceFolders"});
  if (listed != nullptr && listed->is_array()) {
    for (const Json& folder : *listed) {
      if (auto path = folder_of(find(folder, {"uri"}))) folders.push_back(std::move(*path));
    }
    return folders;
  }
  if (auto path = folder_of(find(params, {"rootUri"}))) return {std::move(*path)};
  const Json* root = find(params, {"rootPath"});
  if (root != nullptr && root->is_string() && !root->get_ref<const std::string&>().empty()) folders.emplace_back(root->get<std::string>());
  return folders;
}

std::optional<bool> memory_of_initialize(const Json& params) {
  const auto direct = flag(params, {"initializationOptions", "workspaceMemory"});
  return direct ? direct : flag(params, {"initializationOptions", "octet", "workspaceMemory"});
}

std::optional<bool> memory_of_configuration(const Json& params) { return flag(params, {"settings", "octet", "workspaceMemory"}); }

std::optional<double> min_confidence_of_initialize(const Json& params) {
  const auto direct = share(params, {"initializationOptions", "minConfidence"});
  return direct ? direct : share(params, {"initializationOptions", "octet", "minConfidence"});
}

std::optional<double> min_confidence_of_configuration(const Json& params) { return share(params, {"settings", "octet", "minConfidence"}); }

bool can_register_watchers(const Json& params) {
  return flag(params, {"capabilities", "workspace", "didChangeWatchedFiles", "dynamicRegistration"}).value_or(false);
}

}  // namespace octet::lsp

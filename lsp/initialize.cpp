#include "lsp/initialize.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lsp/document_store.h"
#include "lsp/json_reader.h"
#include "lsp/version.h"

namespace octet::lsp {
namespace {

std::optional<std::filesystem::path> folder_of_uri(const JsonReader& uri) {
  const auto text = uri.text();
  if (!text || !text->starts_with("file://")) return std::nullopt;
  std::string path = path_of_uri(*text);
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  if (!path.starts_with('/')) return std::nullopt;
  return path;
}

/// workspaceFolders, else rootUri, else rootPath: from the newest way to the oldest.
std::vector<std::filesystem::path> workspace_folders(const JsonReader& params) {
  if (const JsonReader listed = params.field("workspaceFolders"); listed.present() && listed.json().is_array()) {
    return parse_folders(listed.json());
  }
  if (auto path = folder_of_uri(params.field("rootUri"))) return {std::move(*path)};
  const auto root = params.field("rootPath").text();
  if (root && !root->empty()) return {*root};
  return {};
}

}  // namespace

Result<InitializeParams> parse_initialize(const Json& json) {
  const JsonReader params(json, "params");
  if (!json.is_object()) return params.expected("an object");
  InitializeParams out;
  const JsonReader capabilities = params.field("capabilities");
  if (const JsonReader offered = capabilities.field("general").field("positionEncodings"); offered.present()) {
    if (!offered.json().is_array()) return offered.expected("an array");
    // UTF-8 first: its positions need no counting.
    for (const auto encoding : {PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32}) {
      const auto& list = offered.json();
      if (std::find(list.begin(), list.end(), to_string(encoding)) == list.end()) continue;
      out.encoding = encoding;
      break;
    }
  }
  out.folders = workspace_folders(params);
  if (const auto parent = params.field("processId").integer(1, INT32_MAX)) out.parent = static_cast<int>(*parent);
  const JsonReader workspace = capabilities.field("workspace");
  out.can_register_completion =
      capabilities.field("textDocument").field("inlineCompletion").field("dynamicRegistration").flag().value_or(false);
  out.can_register_watchers = workspace.field("didChangeWatchedFiles").field("dynamicRegistration").flag().value_or(false);
  out.can_configure = workspace.field("configuration").flag().value_or(false);
  out.has_progress = capabilities.field("window").field("workDoneProgress").flag().value_or(false);
  // What is no part of the protocol may be asked for in either place.
  const auto asks = [&](const char* name) {
    return params.field("initializationOptions").field("octet").field(name).flag().value_or(false) ||
           params.field("initializationOptions").field(name).flag().value_or(false) ||
           capabilities.field("experimental").field("octet").field(name).flag().value_or(false);
  };
  out.wants_partials = asks("streaming");
  out.wants_status = asks("status");
  return out;
}

std::vector<std::filesystem::path> parse_folders(const Json& array) {
  std::vector<std::filesystem::path> folders;
  if (!array.is_array()) return folders;
  for (const Json& folder : array) {
    if (auto path = folder_of_uri(JsonReader(folder, "").field("uri"))) folders.push_back(std::move(*path));
  }
  return folders;
}

Json make_initialize_result(const InitializeParams& client, const std::vector<std::string_view>& commands) {
  Json capabilities{{"positionEncoding", to_string(client.encoding)},
                    {"textDocumentSync", {{"openClose", true}, {"change", 2}, {"save", true}}},
                    {"executeCommandProvider", {{"commands", commands}}},
                    {"workspace", {{"workspaceFolders", {{"supported", true}, {"changeNotifications", true}}}}}};
  if (!client.can_register_completion) capabilities["inlineCompletionProvider"] = Json::object();
  return {{"capabilities", std::move(capabilities)}, {"serverInfo", {{"name", "octet"}, {"version", kVersion}}}};
}

}  // namespace octet::lsp

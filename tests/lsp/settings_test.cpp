#include <filesystem>
#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "lsp/settings.h"

namespace octet::tests {

using lsp::Json;
using Folders = std::vector<std::filesystem::path>;

TEST_CASE("the workspace's folders are what the client says in the newest of three ways") {
  const Json listed = Json::array({{{"uri", "file:///a%20b"}}, {{"uri", "file:///c/"}}, {{"uri", "untitled:x"}}, {{"name", "no uri"}}, 3});
  CHECK(lsp::workspace_folders({{"workspaceFolders", listed}, {"rootUri", "file:///other"}}) == Folders{"/a b", "/c"});
  CHECK(lsp::workspace_folders({{"workspaceFolders", nullptr}, {"rootUri", "file:///root"}, {"rootPath", "/old"}}) == Folders{"/root"});
  CHECK(lsp::workspace_folders({{"rootUri", nullptr}, {"rootPath", "/old"}}) == Folders{"/old"});
  CHECK(lsp::workspace_folders(Json::object()).empty());
  CHECK(lsp::workspace_folders({{"rootPath", 7}}).empty());
  CHECK(lsp::workspace_folders({{"workspaceFolders", Json::array()}, {"rootUri", "file:///root"}}).empty());
}

TEST_CASE("the memory's setting is read where it is set and is a flag") {
  CHECK(lsp::memory_of_initialize({{"initializationOptions", {{"workspaceMemory", false}}}}) == false);
  CHECK(lsp::memory_of_initialize({{"initializationOptions", {{"octet", {{"workspaceMemory", true}}}}}}) == true);
  CHECK(lsp::memory_of_initialize({{"initializationOptions", {{"workspaceMemory", "no"}}}}) == std::nullopt);
  CHECK(lsp::memory_of_initialize({{"initializationOptions", nullptr}}) == std::nullopt);
  CHECK(lsp::memory_of_configuration({{"settings", {{"octet", {{"workspaceMemory", false}}}}}}) == false);
  CHECK(lsp::memory_of_configuration({{"settings", nullptr}}) == std::nullopt);
}

TEST_CASE("the least confidence is a number from 0 to 1") {
  CHECK(lsp::min_confidence_of_initialize({{"initializationOptions", {{"minConfidence", 0.5}}}}) == 0.5);
  CHECK(lsp::min_confidence_of_initialize({{"initializationOptions", {{"octet", {{"minConfidence", 1}}}}}}) == 1);
  CHECK(lsp::min_confidence_of_initialize({{"initializationOptions", {{"minConfidence", 1.5}}}}) == std::nullopt);
  CHECK(lsp::min_confidence_of_configuration({{"settings", {{"octet", {{"minConfidence", "high"}}}}}}) == std::nullopt);
  CHECK(lsp::min_confidence_of_configuration({{"settings", {{"octet", {{"minConfidence", 0.25}}}}}}) == 0.25);
}

}  // namespace octet::tests

// The handshake: what is read of a client, and what the server says of itself.
#include "lsp/initialize.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace octet::tests {
namespace {

using lsp::InitializeParams;
using lsp::Json;
using lsp::PositionEncoding;
using Folders = std::vector<std::filesystem::path>;

InitializeParams parsed(const Json& params) {
  const auto result = lsp::parse_initialize(params);
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("the workspace's folders are what the client says in the newest of three ways") {
  const Json listed = Json::array({{{"uri", "file:///a%20b"}}, {{"uri", "file:///c/"}}, {{"uri", "untitled:x"}}, {{"name", "no uri"}}, 3});
  CHECK(parsed({{"workspaceFolders", listed}, {"rootUri", "file:///other"}}).folders == Folders{"/a b", "/c"});
  CHECK(parsed({{"workspaceFolders", nullptr}, {"rootUri", "file:///root"}, {"rootPath", "/old"}}).folders == Folders{"/root"});
  CHECK(parsed({{"rootUri", nullptr}, {"rootPath", "/old"}}).folders == Folders{"/old"});
  CHECK(parsed(Json::object()).folders.empty());
  CHECK(parsed({{"rootPath", 7}}).folders.empty());
  CHECK(parsed({{"workspaceFolders", Json::array()}, {"rootUri", "file:///root"}}).folders.empty());
}

TEST_CASE("what a client understands is what it says, and nothing else") {
  const InitializeParams nothing = parsed(Json::object());
  CHECK_FALSE(nothing.can_register_completion);
  CHECK_FALSE(nothing.can_register_watchers);
  CHECK_FALSE(nothing.can_configure);
  CHECK_FALSE(nothing.has_progress);
  CHECK_FALSE(nothing.wants_partials);
  CHECK_FALSE(nothing.wants_status);
  CHECK_FALSE(nothing.parent.has_value());

  const Json everything = {{"textDocument", {{"inlineCompletion", {{"dynamicRegistration", true}}}}},
                           {"workspace", {{"didChangeWatchedFiles", {{"dynamicRegistration", true}}}, {"configuration", true}}},
                           {"window", {{"workDoneProgress", true}}}};
  const InitializeParams able = parsed({{"processId", 42}, {"capabilities", everything}});
  CHECK(able.can_register_completion);
  CHECK(able.can_register_watchers);
  CHECK(able.can_configure);
  CHECK(able.has_progress);
  CHECK(able.parent == 42);

  for (const Json& asks : {Json{{"initializationOptions", {{"streaming", true}, {"status", true}}}},
                           Json{{"initializationOptions", {{"octet", {{"streaming", true}, {"status", true}}}}}},
                           Json{{"capabilities", {{"experimental", {{"octet", {{"streaming", true}, {"status", true}}}}}}}}}) {
    CHECK(parsed(asks).wants_partials);
    CHECK(parsed(asks).wants_status);
  }
  for (const Json& pid : {Json(nullptr), Json(0), Json(-1), Json("1"), Json(1.5)})
    CHECK_FALSE(parsed({{"processId", pid}}).parent.has_value());
}

TEST_CASE("the provider of completions is announced where it is not registered later") {
  InitializeParams client;
  CHECK(lsp::make_initialize_result(client, {"a"})["capabilities"]["inlineCompletionProvider"].is_object());
  client.can_register_completion = true;
  const Json capabilities = lsp::make_initialize_result(client, {"a", "b"})["capabilities"];
  CHECK_FALSE(capabilities.contains("inlineCompletionProvider"));
  CHECK(capabilities["executeCommandProvider"]["commands"] == Json{"a", "b"});
  CHECK(capabilities["workspace"]["workspaceFolders"]["supported"] == true);
}

}  // namespace octet::tests

// The memory of a workspace through the whole server: the real default model, real files, and what a person can say about it.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/model/open_runner.h"
#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using lsp::Json;

// No model has seen these words, so that only the memory can offer them.
const std::string kHelper =
    "def recalibrate_zorblatt(intensity, threshold):\n    return intensity * threshold\n\n\n"
    "def main():\n    recalibrate_zorblatt(intensity=4, threshold=quux_limit)\n";
const std::string kTyped = "import helper\n\nresult = helper.recalibrate_z";
const std::string kSecret = "recalibrate_z_SECRET_CANARY\n";

Result<engine::OpenedModel> open_default() {
  engine::RunnerOptions options;
  options.model = source_dir() / "bytemodel/weights/octet.safetensors";
  options.mixer = source_dir() / "bytemodel/weights/mixer.safetensors";
  options.threads = 1;
  return engine::open_runner(options);
}

/// A folder with a helper, and a server that has it open.
struct Fixture {
  ScratchFolder scratch;
  const std::filesystem::path workspace = scratch / "project";  // the model sees the folder's name: not a random one
  ScratchFolder cache;
  LspClient client{open_default, cache.path() / "stores"};
  int n_requests = 0;

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((workspace / name).parent_path());
    std::ofstream(workspace / name, std::ios::binary) << text;
  }
  std::string uri(const std::string& name) const { return "file://" + (workspace / name).string(); }

  Fixture() { std::filesystem::create_directory(workspace); }

  void start(Json options = {{"minConfidence", 0}}, Json capabilities = Json::object()) {
    client.send_request("initialize", "initialize",
                        {{"capabilities", std::move(capabilities)},
                         {"initializationOptions", std::move(options)},
                         {"workspaceFolders", Json::array({{{"uri", "file://" + workspace.string()}, {"name", "w"}}})}});
    client.notify("initialized", Json::object());
    client.wait_for_answer("initialize");
  }

  /// The explanation of the completion at the end of a document.
  Json complete(const std::string& name, const std::string& text) {
    client.open(uri(name), text);
    const Json id = ++n_requests;
    const auto line = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n'));
    client.request_completion(id, uri(name), {line, static_cast<std::uint32_t>(text.size() - text.rfind('\n') - 1)});
    client.wait_for_answer(id);
    client.send_request("explain" + std::to_string(n_requests), "octet/explain", Json::object());
    return client.wait_for_answer("explain" + std::to_string(n_requests)).at("result");
  }

  /// Asks until the index, which is built beside, has been heard of; what a person sees who goes on typing.
  Json complete_until_remembered() {
    Json explanation;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      explanation = complete("main.py", kTyped);
      if (explanation.value("text", "").starts_with("orblatt")) break;
    }
    return explanation;
  }
};

bool names_source(const Json& explanation, const std::string& source) {
  for (const Json& run : explanation.at("sources")) {
    if (run.at("source") == source) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a name that only this workspace has is completed, and the explanation names its file") {
  Fixture fixture;
  fixture.write("helper.py", kHelper);
  fixture.start();
  const Json explanation = fixture.complete_until_remembered();
  CAPTURE(explanation.dump());
  REQUIRE(explanation.at("text").get<std::string>().starts_with("orblatt"));
  std::string text;
  bool is_from_helper = false;
  for (const Json& run : explanation.at("sources")) {
    text += run.at("text");
    is_from_helper = is_from_helper || run.at("file") == "helper.py";
  }
  CHECK(text == explanation.at("text"));
  CHECK(is_from_helper);
  CHECK((names_source(explanation, "memory") || names_source(explanation, "both")));
}

TEST_CASE("memory off by a setting leaves the net alone, and on again it is back") {
  Fixture fixture;
  fixture.write("helper.py", kHelper);
  fixture.start({{"workspaceMemory", false}, {"minConfidence", 0}});
  for (int i = 0; i < 5; ++i) {
    const Json explanation = fixture.complete("main.py", kTyped);
    CHECK_FALSE(names_source(explanation, "memory"));
    CHECK_FALSE(names_source(explanation, "both"));
  }
  CHECK_FALSE(std::filesystem::exists(fixture.cache.path() / "stores"));
  fixture.client.notify("workspace/didChangeConfiguration", {{"settings", {{"octet", {{"workspaceMemory", true}}}}}});
  CHECK(fixture.complete_until_remembered().at("text").get<std::string>().starts_with("orblatt"));
  fixture.client.notify("workspace/didChangeConfiguration", {{"settings", {{"octet", {{"workspaceMemory", false}}}}}});
  CHECK_FALSE(names_source(fixture.complete("main.py", kTyped), "memory"));
}

TEST_CASE("forgetting a workspace removes its store and turns its memory off") {
  Fixture fixture;
  fixture.write("helper.py", kHelper);
  {
    LspClient before(open_default, fixture.cache.path() / "stores");  // leaves a store at its end
    before.send_request("initialize", "initialize",
                        {{"capabilities", Json::object()}, {"rootUri", "file://" + fixture.workspace.string()}});
    before.wait_for_answer("initialize");
  }
  fixture.start();
  REQUIRE(fixture.complete_until_remembered().at("text").get<std::string>().starts_with("orblatt"));
  fixture.client.send_request("forget", "workspace/executeCommand", {{"command", "octet.forgetWorkspace"}});
  CHECK(fixture.client.wait_for_answer("forget").at("result").at("forgotten") == 1);
  std::size_t n_stores = 0;
  if (std::filesystem::exists(fixture.cache / "stores")) {
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(fixture.cache / "stores")) ++n_stores;
  }
  CHECK(n_stores == 0);
  CHECK_FALSE(names_source(fixture.complete("main.py", kTyped), "memory"));
  fixture.client.send_request("other", "workspace/executeCommand", {{"command", "octet.unknown"}});
  CHECK(fixture.client.wait_for_answer("other").contains("error"));
}

TEST_CASE("secret and ignored files are never offered") {
  Fixture fixture;
  fixture.write("helper.py", kHelper);
  for (const char* name : {".env", "keys/server.pem", "ignored/notes.py"}) {
    for (int i = 0; i < 20; ++i) fixture.write(name, kSecret + kSecret + kSecret);
  }
  fixture.write(".gitignore", "ignored/\n");
  fixture.start();
  fixture.complete_until_remembered();
  for (int i = 0; i < 20; ++i) {
    CHECK(fixture.complete("main.py", kTyped).at("text").get<std::string>().find("SECRET") == std::string::npos);
  }
}

TEST_CASE("another open document is remembered as soon as the person leaves it") {
  Fixture fixture;
  fixture.start();
  fixture.client.open(fixture.uri("unsaved.py"), kHelper);
  CHECK(fixture.complete_until_remembered().at("text").get<std::string>().starts_with("orblatt"));
}

TEST_CASE("a file that is written while the server runs is remembered when the client tells") {
  Fixture fixture;
  fixture.start({{"minConfidence", 0}}, {{"workspace", {{"didChangeWatchedFiles", {{"dynamicRegistration", true}}}}}});
  bool asked_to_watch = false;
  for (const Json& message : fixture.client.notifications())
    asked_to_watch = asked_to_watch || message.at("method") == "client/registerCapability";
  CHECK(asked_to_watch);
  fixture.complete("main.py", kTyped);
  fixture.write("helper.py", kHelper);
  fixture.client.notify("workspace/didChangeWatchedFiles", {{"changes", Json::array({{{"uri", fixture.uri("helper.py")}, {"type", 1}}})}});
  CHECK(fixture.complete_until_remembered().at("text").get<std::string>().starts_with("orblatt"));
}

}  // namespace octet::tests

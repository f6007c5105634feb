// What the server asks of the client and tells it unasked, and what it makes of the answers.
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <semaphore>
#include <string>
#include <vector>

#include "tests/bytemodel/scratch.h"
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using lsp::Json;
using std::chrono::minutes;

const std::string kUri = "file:///a.txt";

/// A client that says what it understands, and answers what it is asked.
struct Fixture {
  std::vector<lsp::ModelChoice> choices;  // of each model that was opened
  std::counting_semaphore<> n_freed{0};   // models whose memory is free again
  std::string script = "tail";
  ScratchFolder state_folder;
  LspClient client{[this](const lsp::ModelChoice& choice) { return open(choice); }, {}, state_folder.path()};
  int n_requests = 0;

  explicit Fixture(const Json& capabilities, const Json& section = Json::object()) {
    client.initialize_with({{"capabilities", capabilities}, {"initializationOptions", section}});
  }

  Result<engine::OpenedModel> open(const lsp::ModelChoice& choice) {
    choices.push_back(choice);
    if (choice.model == "missing") return fail(ErrorCode::kNotFound, "missing: no such file");
    return opener({new ScriptedModel(script), [this](ScriptedModel* model) {
                     delete model;
                     n_freed.release();
                   }})();
  }

  /// The messages of `method` since the last call with it.
  std::vector<Json> take(const std::string& method) {
    std::vector<Json> found;
    const auto& messages = client.notifications();
    for (std::size_t i = n_seen_[method]; i < messages.size(); ++i) {
      if (messages[i].at("method") == method) found.push_back(messages[i]);
    }
    n_seen_[method] = messages.size();
    return found;
  }
  Json take_one(const std::string& method) {
    const auto found = take(method);
    REQUIRE(found.size() == 1);
    return found[0];
  }
  void respond(const Json& request, const Json& result) {
    client.send_body(Json({{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"result", result}}).dump());
  }
  void refuse(const Json& request) {
    client.send_body(Json({{"jsonrpc", "2.0"}, {"id", request.at("id")}, {"error", {{"code", -32601}, {"message", "no"}}}}).dump());
  }

  Json status() {
    client.send_request(++n_requests, "octet/status", nullptr);
    return client.wait_for_answer(n_requests).at("result");
  }
  void wait_for(const std::string& state) {
    client.run_until([&] { return status().at("state") == state; });
  }
  Json complete() {
    client.open(kUri, "x = ");
    client.request_completion(++n_requests, kUri, {0, 4});
    return client.wait_for_answer(n_requests).at("result").at("items");
  }
  void configure(const Json& section) { client.notify("workspace/didChangeConfiguration", {{"settings", {{"octet", section}}}}); }

 private:
  std::map<std::string, std::size_t> n_seen_;
};

const Json kDynamic = {{"textDocument", {{"inlineCompletion", {{"dynamicRegistration", true}}}}},
                       {"workspace", {{"didChangeWatchedFiles", {{"dynamicRegistration", true}}}}}};
const Json kConfigurable = {{"workspace", {{"configuration", true}}}};
const Json kWithProgress = {{"window", {{"workDoneProgress", true}}}};

}  // namespace

TEST_CASE("what a client can register is registered once it is initialized, whatever it answers") {
  Fixture f(kDynamic);
  const auto requests = f.take("client/registerCapability");
  REQUIRE(requests.size() == 2);
  const Json& completion = requests[0].at("params").at("registrations").at(0);
  CHECK(completion.at("method") == "textDocument/inlineCompletion");
  CHECK(completion.at("registerOptions").at("documentSelector").is_null());
  const Json& watchers = requests[1].at("params").at("registrations").at(0);
  CHECK(watchers.at("method") == "workspace/didChangeWatchedFiles");
  CHECK(completion.at("id") != watchers.at("id"));
  CHECK(requests[0].at("id") != requests[1].at("id"));
  f.respond(requests[0], nullptr);
  f.refuse(requests[1]);
  f.respond(requests[0], nullptr);  // twice, which nobody waits for
  CHECK(f.complete().size() == 1);
}

TEST_CASE("a client that can do nothing is asked nothing") {
  Fixture f(Json::object());
  f.wait_for("ready");
  CHECK(f.client.notifications().empty());
}

TEST_CASE("settings are pulled from a client that has them, and those of initialize hold until then") {
  Fixture f(kConfigurable, {{"enabled", false}});
  const Json first = f.take_one("workspace/configuration");
  CHECK(first.at("params").at("items").at(0).at("section") == "octet");
  CHECK(f.complete().empty());
  f.respond(first, Json::array({{{"enabled", true}}}));
  CHECK(f.complete().size() == 1);
  SECTION("a change makes the server ask again, and what was pushed counts until then") {
    f.configure({{"enabled", false}});
    CHECK(f.complete().empty());
    f.respond(f.take_one("workspace/configuration"), Json::array({{{"enabled", true}}}));
    CHECK(f.complete().size() == 1);
  }
  SECTION("a change without settings changes nothing until the client has answered") {
    f.client.notify("workspace/didChangeConfiguration", {{"settings", nullptr}});
    CHECK(f.complete().size() == 1);
    f.respond(f.take_one("workspace/configuration"), Json::array({{{"disabledLanguages", {"text"}}}}));
    CHECK(f.complete().empty());
    CHECK(f.status().at("state") == "disabled");  // as initialize said, where the client says nothing
  }
  SECTION("a client that refuses, or sends something else, leaves things as they are") {
    for (const Json& useless : {Json(nullptr), Json::array(), Json(3)}) {
      f.configure(Json{{"enabled", true}});
      f.respond(f.take_one("workspace/configuration"), useless);
      CHECK(f.complete().size() == 1);
    }
    f.configure(Json{{"enabled", true}});
    f.refuse(f.take_one("workspace/configuration"));
    CHECK(f.complete().size() == 1);
  }
}

TEST_CASE("what cannot be used in the settings is said once") {
  Fixture f(Json::object(), {{"maxBytes", -1}});
  f.configure({{"maxBytes", -1}, {"disabledGlobs", {"[x"}}});
  f.configure({{"maxBytes", -1}, {"disabledGlobs", {"[x"}}});
  const auto shown = f.take("window/showMessage");
  REQUIRE(shown.size() == 2);
  for (const Json& message : shown) CHECK(message.at("params").at("type") == 2);
  CHECK_THAT(shown[0].at("params").at("message").get<std::string>(), Catch::Contains("maxBytes"));
  CHECK_THAT(shown[1].at("params").at("message").get<std::string>(), Catch::Contains("'[x'"));
  CHECK(f.complete().size() == 1);
}

TEST_CASE("settings that are told again leave the completion that runs alone, and others end it") {
  const auto model = std::make_shared<ScriptedModel>("tail");
  LspClient client(model);
  client.initialize();
  client.wait_until_settled();
  model->step.shut();
  client.open(kUri, "x = ");
  client.request_completion(1, kUri, {0, 4});
  REQUIRE(model->step.wait_until_occupied());
  const auto configure = [&](const Json& section) {
    client.notify("workspace/didChangeConfiguration", {{"settings", {{"octet", section}}}});
  };
  configure(Json::object());
  CHECK(client.answers(1).empty());
  SECTION("again") {
    model->step.open();
    CHECK(client.wait_for_answer(1).at("result").at("items").size() == 1);
  }
  SECTION("others") {
    configure({{"maxBytes", 2}});
    CHECK(client.wait_for_answer(1).at("result") == no_items());
    model->step.open();
    client.request_completion(2, kUri, {0, 4});
    CHECK(client.wait_for_answer(2).at("result").at("items").at(0).at("insertText") == "ta");
  }
}

TEST_CASE("loading is shown as progress from its begin to its end") {
  const auto model = std::make_shared<ScriptedModel>("tail");
  model->loading.shut();
  LspClient client(model);
  client.initialize_with({{"capabilities", kWithProgress}});
  REQUIRE(client.notifications().size() == 1);
  const Json create = client.notifications()[0];
  REQUIRE(create.at("method") == "window/workDoneProgress/create");
  const Json token = create.at("params").at("token");
  const auto respond = [&] { client.send_body(Json({{"jsonrpc", "2.0"}, {"id", create.at("id")}, {"result", nullptr}}).dump()); };
  const auto wait_until_loaded = [&] {
    model->loading.open();
    client.open(kUri, "x = ");
    client.invoke_completion(1, kUri, {0, 4});
    client.wait_for_answer(1);
  };
  SECTION("to a client that has a place for it") {
    respond();
    REQUIRE(client.notifications().size() == 2);
    CHECK(client.notifications()[1].at("method") == "$/progress");
    CHECK(client.notifications()[1].at("params").at("token") == token);
    CHECK(client.notifications()[1].at("params").at("value").at("kind") == "begin");
    wait_until_loaded();
    REQUIRE(client.notifications().size() == 3);
    CHECK(client.notifications()[2].at("params").at("token") == token);
    CHECK(client.notifications()[2].at("params").at("value").at("kind") == "end");
  }
  SECTION("and not where the place comes too late") {
    wait_until_loaded();
    respond();
    CHECK(client.notifications().size() == 1);
  }
}

TEST_CASE("a model that nobody used is unloaded, its memory is free, and the next request loads it again") {
  Fixture f(Json::object(), {{"idleUnload", 5}});
  CHECK(f.complete().size() == 1);
  f.client.advance(minutes(4));
  CHECK(f.complete().size() == 1);  // from memory, and yet somebody is there
  f.client.advance(minutes(4));
  CHECK(f.status().at("state") == "ready");  // it was used four minutes ago
  CHECK_FALSE(f.n_freed.try_acquire());
  f.client.advance(minutes(1));
  CHECK(f.status().at("state") == "unloaded");
  CHECK(f.n_freed.try_acquire_for(kHangTimeout));
  CHECK(f.choices.size() == 1);
  SECTION("a text from memory needs no model") {
    const auto n_before = f.choices.size();
    CHECK(f.complete().size() == 1);
    CHECK(f.choices.size() == n_before);
  }
  SECTION("another one does") {
    f.client.open(kUri, "another = ");
    f.client.request_completion("wake", kUri, {0, 10});
    CHECK(f.status().at("state") == "loading");
    CHECK(f.client.wait_for_answer("wake").at("result").at("items").size() == 1);
    CHECK(f.status().at("state") == "ready");
    CHECK(f.choices.size() == 2);
    f.client.advance(minutes(5));
    CHECK(f.status().at("state") == "unloaded");
  }
}

TEST_CASE("a server that is switched off lets its model go as well, and 0 minutes keep it") {
  Fixture f(Json::object(), {{"idleUnload", 5}});
  f.wait_for("ready");
  SECTION("off") {
    f.configure({{"enabled", false}});
    CHECK(f.complete().empty());
    f.client.advance(minutes(5));
    CHECK(f.n_freed.try_acquire_for(kHangTimeout));
    f.configure({{"enabled", true}});
    CHECK(f.complete().size() == 1);
  }
  SECTION("kept") {
    f.configure({{"idleUnload", 0}});
    f.client.advance(minutes(100'000));
    CHECK(f.status().at("state") == "ready");
    f.configure({{"idleUnload", 1}});
    f.client.advance(minutes(1));
    CHECK(f.status().at("state") == "unloaded");
  }
}

TEST_CASE("a server that starts switched off loads nothing until it is switched on") {
  Fixture f(Json::object(), {{"enabled", false}});
  CHECK(f.complete().empty());
  CHECK(f.choices.empty());
  f.configure({{"enabled", true}});
  CHECK(f.complete().size() == 1);
  CHECK(f.choices.size() == 1);
}

TEST_CASE("another model is loaded in the place of the first, and one that cannot be is said") {
  Fixture f(Json::object());
  f.wait_for("ready");
  f.script = "other";
  f.configure({{"model", "other.safetensors"}, {"threads", 3}, {"device", "cpu"}});
  f.wait_for("ready");
  CHECK(f.complete().at(0).at("insertText") == "other");
  REQUIRE(f.choices.size() == 2);
  CHECK(f.choices[1] == lsp::ModelChoice{"other.safetensors", "cpu", 3});
  f.configure({{"model", "missing"}});
  f.wait_for("failed");
  const Json shown = f.take_one("window/showMessage");
  CHECK(shown.at("params").at("type") == 1);
  CHECK(shown.at("params").at("message") == "Octet: missing: no such file");
  f.client.open(kUri, "new = ");
  f.client.request_completion("none", kUri, {0, 6});
  CHECK(f.client.wait_for_answer("none").at("result") == no_items());
  CHECK(f.status().at("lastReason") == "model_unavailable");
  f.configure({{"model", "other.safetensors"}});
  f.wait_for("ready");
  CHECK(f.complete().at(0).at("insertText") == "other");
}

TEST_CASE("what becomes of a model that is no longer wanted is not told") {
  Fixture f(Json::object(), {{"model", "missing"}});
  f.configure({{"model", "there"}});
  f.wait_for("ready");
  CHECK(f.choices.size() == 2);
  CHECK(f.client.notifications().empty());
}

TEST_CASE("globs count from the folders that are open now") {
  Fixture f(Json::object(), {{"disabledGlobs", {"generated/**"}}});
  const auto complete = [&] {
    f.client.open("file:///w/generated/a.txt", "x = ");
    f.client.request_completion(++f.n_requests, "file:///w/generated/a.txt", {0, 4});
    return f.client.wait_for_answer(f.n_requests).at("result").at("items").size();
  };
  const Json folder = Json::array({{{"uri", "file:///w"}, {"name", "w"}}});
  CHECK(complete() == 1);
  f.client.notify("workspace/didChangeWorkspaceFolders", {{"event", {{"added", folder}, {"removed", Json::array()}}}});
  CHECK(complete() == 0);
  f.client.notify("workspace/didChangeWorkspaceFolders", {{"event", {{"added", Json::array()}, {"removed", folder}}}});
  CHECK(complete() == 1);
}

TEST_CASE("who asked for it hears of each new state, in Copilot's words and in Octet's") {
  Fixture f(Json::object(), {{"octet", {{"status", true}}}});
  f.wait_for("ready");
  const auto loading = f.take("didChangeStatus");
  REQUIRE(loading.size() == 2);
  CHECK(loading[0].at("params").at("busy") == true);
  CHECK(loading[0].at("params").at("kind") == "Normal");
  CHECK(loading[1].at("params").at("busy") == false);
  CHECK(f.take("octet/status").size() == 2);
  CHECK(f.complete().size() == 1);
  const auto busy = f.take("didChangeStatus");
  REQUIRE(busy.size() == 2);
  CHECK(busy[0].at("params").at("busy") == true);
  CHECK(busy[1].at("params").at("busy") == false);
  f.configure({{"enabled", false}});
  CHECK(f.take_one("didChangeStatus").at("params").at("kind") == "Inactive");
  f.configure({{"enabled", true}, {"model", "missing"}});
  f.wait_for("failed");
  const Json failed = f.take("didChangeStatus").back().at("params");
  CHECK(failed.at("kind") == "Error");
  CHECK(failed.at("message") == "missing: no such file");
  CHECK(f.take("octet/status").back().at("params").at("state") == "failed");
}

TEST_CASE("statistics are kept for the next session, and shown by a command") {
  Fixture f(Json::object());
  CHECK(f.complete().size() == 1);
  const auto statistics = [](Fixture& from) {
    from.client.send_request("statistics", "workspace/executeCommand", {{"command", "octet.statistics"}});
    return from.client.wait_for_answer("statistics").at("result");
  };
  CHECK(statistics(f).at("session").at("answered") == 1);
  CHECK(statistics(f).at("before").empty());
  f.client.send_request("shutdown", "shutdown", nullptr);
  f.client.notify("exit", nullptr);
  CHECK(f.client.exit_code() == 0);
  LspClient next([&](const lsp::ModelChoice& choice) { return f.open(choice); }, {}, f.state_folder.path());
  next.initialize();
  next.send_request("statistics", "workspace/executeCommand", {{"command", "octet.statistics"}});
  const Json later = next.wait_for_answer("statistics").at("result");
  CHECK(later.at("session").at("answered") == 0);
  CHECK(later.at("before").at("answered") == 1);
}

}  // namespace octet::tests

// Where nothing is suggested, and that the reason is told.
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/lsp/suggestions_fixture.h"

namespace octet::tests {
namespace {

using lsp::Json;
using std::chrono::milliseconds;

}  // namespace

TEST_CASE("off means off: no model step, and the reason is told") {
  struct Case {
    Json section;
    std::string uri;
    std::string reason;
  };
  const std::vector<Case> cases{
      {{{"enabled", false}}, kUri, "disabled"},
      {{{"disabledLanguages", {"text"}}}, kUri, "disabled_language"},
      {{{"disabledGlobs", {"*.txt"}}}, kUri, "disabled_glob"},
      {{{"disabledGlobs", {"**/notes/**"}}}, "file:///home/x/notes/a/b.c", "disabled_glob"},
      {Json::object(), "file:///home/x/.env", "secret_file"},
      {Json::object(), "file:///home/x/.env.local", "secret_file"},
      {Json::object(), "file:///home/x/server.pem", "secret_file"},
      {Json::object(), "file:///home/x/.ssh/config", "secret_file"},
      {Json::object(), "untitled:id_rsa", "secret_file"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.section.dump(), c.uri);
    Fixture f("tail");
    f.client.wait_until_settled();
    f.configure(c.section);
    const std::size_t n_forwards = f.model->n_forwards();
    CHECK(f.complete("x", c.uri).at("result") == no_items());
    CHECK(f.reason() == c.reason);
    CHECK(f.model->n_forwards() == n_forwards);
    CHECK(f.status().at("stats").at("silent").at(c.reason) == 1);
    f.configure(Json::object());
    if (c.uri == kUri) CHECK(text_of(f.ask("x")) == "xtail");
  }
}

TEST_CASE("a document that is too large is left alone") {
  Fixture f("tail");
  CHECK(f.complete(std::string((std::size_t{16} << 20) + 1, '\n')).at("result") == no_items());
  CHECK(f.reason() == "too_large");
}

TEST_CASE("every other silence has its reason too") {
  SECTION("nothing to add") {
    Fixture f("");
    CHECK(f.complete("x").at("result") == no_items());
    CHECK(f.reason() == "nothing_to_add");
  }
  SECTION("superseded") {
    Fixture f("tail");
    f.model->step.shut();
    f.client.open(kUri, "x");
    f.client.open("file:///b.txt", "y");
    f.client.request_completion("a", kUri, {0, 1});
    f.client.request_completion("b", "file:///b.txt", {0, 1});
    CHECK(f.client.wait_for_answer("a").at("result") == no_items());
    CHECK(f.reason() == "superseded");
    f.model->step.open();
    f.client.wait_for_answer("b");
  }
  SECTION("cancelled, and the engine is at rest within a step") {
    Fixture f("tail");
    f.client.wait_until_settled();
    f.model->step.shut();
    f.client.open(kUri, "x");
    f.client.request_completion("a", kUri, {0, 1});
    REQUIRE(f.model->step.wait_until_occupied());
    const std::size_t n_forwards = f.model->n_forwards();
    f.client.cancel("a");
    CHECK(f.status().at("stats").at("silent").at("cancelled") == 1);
    const std::uint64_t n_completions = f.stat("completions");
    f.model->step.open();
    f.client.run_until([&] { return f.stat("completions") > n_completions; });
    CHECK(f.model->n_forwards() == n_forwards);
    CHECK(f.stat("steps_after_stop") <= 1);
    CHECK(f.stat("late_stops") == 0);
  }
  SECTION("the model is being loaded") {
    const auto model = std::make_shared<ScriptedModel>("tail");
    model->loading.shut();
    LspClient client(model);
    client.initialize();
    client.open(kUri, "x");
    client.request_completion(1, kUri, {0, 1});
    client.advance(milliseconds(149));
    CHECK(client.answers(1).empty());
    client.advance(milliseconds(1));
    CHECK(client.wait_for_answer(1).at("result") == no_items());
    client.send_request(2, "octet/status", nullptr);
    CHECK(client.wait_for_answer(2).at("result").at("lastReason") == "model_loading");
    CHECK(client.wait_for_answer(2).at("result").at("state") == "loading");
    // What was begun is there for the next one who asks.
    model->loading.open();
    client.request_completion(3, kUri, {0, 1});
    CHECK(text_of(client.wait_for_answer(3)) == "xtail");
  }
  SECTION("the model cannot be loaded") {
    LspClient client([](const lsp::ModelChoice&) -> Result<engine::OpenedModel> { return fail(ErrorCode::kNotFound, "no model here"); }, {},
                     {});
    client.initialize();
    client.open(kUri, "x");
    client.request_completion(1, kUri, {0, 1});
    CHECK(client.wait_for_answer(1).at("result") == no_items());
    client.send_request(2, "octet/status", nullptr);
    const Json status = client.wait_for_answer(2).at("result");
    CHECK(status.at("lastReason") == "model_unavailable");
    CHECK(status.at("state") == "failed");
    CHECK(status.at("message") == "no model here");
    CHECK(status.at("model").is_null());
  }
}

TEST_CASE("explain tells why there is nothing") {
  Fixture f("");
  f.complete("x");
  f.client.send_request("why", "octet/explain", nullptr);
  const Json silence = f.client.wait_for_answer("why").at("result").at("silence");
  CHECK(silence.at("reason") == "nothing_to_add");
  CHECK(silence.at("message") == "the model has nothing to add here");
}

}  // namespace octet::tests

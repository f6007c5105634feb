// The server's life: initialize, shutdown, exit, and everything that is no completion.
#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "bytemodel/control_bytes.h"
#include "lsp/initialize.h"
#include "lsp/protocol.h"
#include "tests/lsp/naive_text.h"
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::PositionEncoding;

const std::string kUri = "file:///a.txt";

std::shared_ptr<ScriptedModel> make_model() { return std::make_shared<ScriptedModel>("tail"); }

engine::Engine::Open failing_opener() {
  return []() -> Result<engine::OpenedModel> { return fail(ErrorCode::kNotFound, "no model here"); };
}

/// What the model read of a document whose cursor stood at its end.
std::string prefix_of(const std::string& prompt) { return prompt.substr(prompt.find(static_cast<char>(kPrefix)) + 1); }

}  // namespace

TEST_CASE("requests before initialize are refused and notifications are dropped") {
  LspClient client(make_model());
  client.send_request(1, "textDocument/inlineCompletion", Json::object());
  client.send_request("two", "shutdown", nullptr);
  client.send_request(3, "no/such", nullptr);
  for (const Json& id : {Json(1), Json("two"), Json(3)}) {
    REQUIRE(client.answers(id).size() == 1);
    CHECK(error_code(client.answers(id)[0]) == -32002);
  }
  client.open(kUri, "early");
  client.initialize();
  client.request_completion(4, kUri, {});
  CHECK(error_code(client.wait_for_answer(4)) == -32602);  // the document that came too early is not open
}

TEST_CASE("initialize tells what the server can do") {
  LspClient client(make_model());
  Json result = client.initialize();
  CHECK(result["capabilities"]["positionEncoding"] == "utf-16");
  CHECK(result["capabilities"]["textDocumentSync"]["openClose"] == true);
  CHECK(result["capabilities"]["textDocumentSync"]["change"] == 2);
  CHECK(result["capabilities"]["inlineCompletionProvider"].is_object());
  CHECK(result["serverInfo"]["name"] == "octet");
  CHECK(result["serverInfo"]["version"].is_string());
  CHECK_FALSE(client.exit_code().has_value());
}

TEST_CASE("the encoding that was negotiated is announced") {
  LspClient client(make_model());
  const auto encoding = GENERATE(PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32);
  const std::string name(lsp::to_string(encoding));
  CHECK(client.initialize(Json::array({"utf-7", name}))["capabilities"]["positionEncoding"] == name);
}

TEST_CASE("initialize is taken once, and again after it was refused") {
  LspClient client(make_model());
  client.send_request(1, "initialize", 5);
  CHECK(error_code(client.wait_for_answer(1)) == -32602);
  client.send_request(2, "initialize", {{"capabilities", Json::object()}});
  CHECK(client.wait_for_answer(2).contains("result"));
  client.send_request(3, "initialize", {{"capabilities", Json::object()}});
  CHECK(error_code(client.wait_for_answer(3)) == -32600);
  CHECK(client.n_answers() == 3);
}

TEST_CASE("after shutdown every request is refused") {
  LspClient client(make_model());
  client.initialize();
  client.open(kUri, "x");
  client.send_request(1, "shutdown", nullptr);
  CHECK(client.wait_for_answer(1).at("result").is_null());
  CHECK(client.wait_for_answer(1).contains("result"));
  int id = 1;
  for (const char* method : {"shutdown", "initialize", "textDocument/inlineCompletion", "no/such"}) {
    client.send_request(++id, method, Json::object());
    REQUIRE(client.answers(id).size() == 1);
    CHECK(error_code(client.answers(id)[0]) == -32600);
  }
  CHECK_FALSE(client.exit_code().has_value());
}

TEST_CASE("the exit code is 0 after shutdown and 1 without it") {
  LspClient client(make_model());
  SECTION("before initialize") {
    client.notify("exit", nullptr);
    CHECK(client.exit_code() == 1);
  }
  SECTION("without shutdown") {
    client.initialize();
    client.notify("exit", nullptr);
    CHECK(client.exit_code() == 1);
  }
  SECTION("after shutdown") {
    client.initialize();
    client.send_request(1, "shutdown", nullptr);
    CHECK_FALSE(client.exit_code().has_value());
    client.notify("exit", nullptr);
    CHECK(client.exit_code() == 0);
  }
  SECTION("the client went away") {
    client.initialize();
    client.disconnect();
    CHECK(client.exit_code() == 1);
  }
}

TEST_CASE("unknown methods are answered and unknown notifications are not") {
  LspClient client(make_model());
  client.initialize();
  const std::size_t n_before = client.n_answers();
  for (const char* method : {"textDocument/hover", "$/unknown", "", "textDocument/didOpen", "exit"}) {
    client.send_request(method, method, nullptr);
    REQUIRE(client.answers(method).size() == 1);
    CHECK(error_code(client.answers(method)[0]) == -32601);
  }
  CHECK(client.n_answers() == n_before + 5);
  for (const char* method : {"textDocument/didSave", "$/setTrace", "", "textDocument/inlineCompletion", "shutdown", "initialize"}) {
    client.notify(method, nullptr);
  }
  CHECK(client.n_answers() == n_before + 5);
  CHECK_FALSE(client.exit_code().has_value());
}

TEST_CASE("a body that is no message is answered with id null and the server goes on") {
  LspClient client(make_model());
  client.initialize();
  client.send_body("{\"jsonrpc\":");
  client.send_body("\xff");
  client.send_body(std::string(100'000, '['));
  client.send_body("[]");
  client.send_body("{}");
  const auto errors = client.answers(nullptr);
  REQUIRE(errors.size() == 5);
  CHECK(error_code(errors[0]) == -32700);
  CHECK(error_code(errors[1]) == -32700);
  CHECK(error_code(errors[2]) == -32700);
  CHECK(error_code(errors[3]) == -32600);
  CHECK(error_code(errors[4]) == -32600);
  client.send_body(R"({"jsonrpc":"2.0","id":"mine","method":1})");
  CHECK(error_code(client.wait_for_answer("mine")) == -32600);

  client.open(kUri, "text");
  client.request_completion(1, kUri, {0, 4});
  CHECK(client.wait_for_answer(1).at("result").at("items").size() == 1);
}

TEST_CASE("responses to requests that were never sent are ignored") {
  LspClient client(make_model());
  client.initialize();
  const std::size_t n_before = client.n_answers();
  client.send_body(R"({"jsonrpc":"2.0","id":1,"result":null})");
  client.send_body(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}})");
  CHECK(client.n_answers() == n_before);
}

TEST_CASE("document notifications with wrong params change nothing") {
  const auto model = make_model();
  LspClient client(model);
  client.initialize();
  client.open(kUri, "kept");
  const std::size_t n_before = client.n_answers();
  for (const Json& params :
       {Json(nullptr), Json(1), Json::object(), Json{{"textDocument", {{"uri", kUri}}}},
        Json{{"textDocument", {{"uri", kUri}}}, {"contentChanges", {{{"text", 1}}}}},
        // One bad change spoils the batch: half of it would be a text that the client never had.
        Json{{"textDocument", {{"uri", kUri}}}, {"contentChanges", Json::array({{{"text", "lost"}}, {{"text", 1}}})}}}) {
    client.notify("textDocument/didOpen", params);
    client.notify("textDocument/didChange", params);
    if (!params.is_object() || params.empty()) client.notify("textDocument/didClose", params);
    client.notify("$/cancelRequest", params);
  }
  client.replace_all("file:///other.txt", "never opened");
  client.close("file:///other.txt");
  CHECK(client.n_answers() == n_before);
  client.request_completion(1, kUri, {0, 4});
  CHECK(client.wait_for_answer(1).at("result").at("items").size() == 1);
  CHECK(prefix_of(model->last_prompt()) == "kept");
}

TEST_CASE("the model reads the text as the edits left it") {
  const auto model = make_model();
  LspClient client(model);
  client.initialize({"utf-8"});
  client.open(kUri, "one\r\ntwo");
  client.change(
      kUri,
      Json::array({{{"range", {{"start", {{"line", 1}, {"character", 0}}}, {"end", {{"line", 1}, {"character", 3}}}}}, {"text", "ж😀"}},
                   {{"range", {{"start", {{"line", 0}, {"character", 3}}}, {"end", {{"line", 0}, {"character", 3}}}}}, {"text", "!"}}}));
  client.request_completion(1, kUri, {1, 6});
  client.wait_for_answer(1);
  CHECK(prefix_of(model->last_prompt()) == "one!\r\nж😀");
  client.replace_all(kUri, "whole");
  client.request_completion(2, kUri, {0, 5});
  client.wait_for_answer(2);
  CHECK(prefix_of(model->last_prompt()) == "whole");
}

TEST_CASE("a closed document offers no completion") {
  LspClient client(make_model());
  client.initialize();
  client.open(kUri, "x");
  client.close(kUri);
  client.request_completion(1, kUri, {});
  CHECK(error_code(client.wait_for_answer(1)) == -32602);
}

TEST_CASE("a model that cannot be opened is reported once and completions are empty") {
  LspClient client(failing_opener());
  client.initialize();
  client.open(kUri, "x");
  client.request_completion(1, kUri, {0, 1});
  CHECK(client.wait_for_answer(1).at("result") == no_items());
  client.request_completion(2, kUri, {0, 1});
  CHECK(client.wait_for_answer(2).at("result") == no_items());
  REQUIRE(client.notifications().size() == 1);
  CHECK(client.notifications()[0].at("method") == "window/showMessage");
  CHECK(client.notifications()[0].at("params").at("type") == 1);
  CHECK_THAT(client.notifications()[0].at("params").at("message").get<std::string>(), Catch::Contains("no model here"));
}

TEST_CASE("nothing is loaded or sent before initialize says what is wanted") {
  std::size_t n_opened = 0;
  LspClient client(
      [&](const lsp::ModelChoice&) -> Result<engine::OpenedModel> {
        ++n_opened;
        return fail(ErrorCode::kNotFound, "no model here");
      },
      {}, {});
  client.send_request(1, "shutdown", nullptr);
  CHECK(client.notifications().empty());
  CHECK(n_opened == 0);
  client.initialize();
  client.run_until([&] { return client.notifications().size() == 1; });
  CHECK(client.notifications()[0].at("method") == "window/showMessage");
}

TEST_CASE("a model that opens says nothing") {
  LspClient client(make_model());
  client.initialize();
  client.wait_until_settled();
  CHECK(client.notifications().empty());
}

}  // namespace octet::tests

// textDocument/inlineCompletion through the whole server: items, ends without text, cancellation, and a busy engine.
#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "lsp/initialize.h"
#include "lsp/protocol.h"
#include "tests/lsp/naive_text.h"
#include "tests/support/lsp_client.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Position;
using lsp::PositionEncoding;

const std::string kUri = "file:///a.txt";
const std::string kScript = "_tail()";

lsp::Range range_of(const Json& item) {
  const auto position = [](const Json& json) { return Position{json.at("line"), json.at("character")}; };
  return {position(item.at("range").at("start")), position(item.at("range").at("end"))};
}

/// A running server with one document, "word", whose completion is "word_tail()".
struct Fixture {
  std::shared_ptr<ScriptedModel> model;
  LspClient client;

  explicit Fixture(const std::string& script = kScript, ScriptedModel::Logits logits = ScriptedModel::Logits::kScript)
      : model(std::make_shared<ScriptedModel>(script, logits)), client(model) {
    client.initialize();
    client.open(kUri, "word");
  }

  void complete(const Json& id) { client.request_completion(id, kUri, {0, 4}); }

  /// Requests a completion and returns while the engine stands in its first step.
  void complete_until_blocked(const Json& id) {
    model->step.shut();
    complete(id);
    REQUIRE(model->step.wait_until_occupied());
  }

  void check_completed(const Json& id) {
    const Json answer = client.wait_for_answer(id);
    CAPTURE(answer.dump());
    REQUIRE(error_code(answer) == 0);
    REQUIRE(answer.at("result").at("items").size() == 1);
    CHECK(answer.at("result").at("items")[0].at("insertText") == "word" + kScript);
  }

  void check_empty(const Json& id) {
    const Json answer = client.wait_for_answer(id);
    CAPTURE(answer.dump());
    CHECK(answer.at("result") == no_items());
    CHECK(client.answers(id).size() == 1);
  }
};

}  // namespace

TEST_CASE("an item replaces the word before the cursor with a text that begins with it") {
  struct Case {
    std::string text;
    std::string before;  // text up to the cursor
    std::string word;    // its last word
  };
  const std::vector<Case> cases{
      {"", "", ""},
      {"foo", "foo", "foo"},
      {"foo", "fo", "fo"},
      {"foo", "", ""},
      {"foo bar", "foo ", ""},
      {"foo bar", "foo bar", "bar"},
      {"foo.bar_9Z", "foo.bar_9Z", "bar_9Z"},
      {"x\nab", "x\nab", "ab"},
      {"x\r\n\r\nab\r\n", "x\r\n\r\nab", "ab"},
      {"x\rab", "x\rab", "ab"},
      {"é жук", "é жук", "жук"},
      {"😀 a𐐷b = 漢字 x", "😀 a𐐷b", "a𐐷b"},
      {"😀 a𐐷b = 漢字 x", "😀 a𐐷b = 漢字", "漢字"},
      {"\tprivet(мир)", "\tprivet(мир", "мир"},
      {"a\nb\n", "a\nb\n", ""},
  };
  const auto model = std::make_shared<ScriptedModel>("é😀_x");
  LspClient client(model);
  const auto encoding = GENERATE(PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32);
  client.initialize({lsp::to_string(encoding)});
  int id = 0;
  for (const Case& c : cases) {
    CAPTURE(c.text, c.before, lsp::to_string(encoding));
    const NaiveText text(c.text);
    const Position cursor = text.position(c.before.size(), encoding);
    client.open(kUri, c.text);
    client.invoke_completion(++id, kUri, cursor);  // who asks gets one inside a line as well
    const Json answer = client.wait_for_answer(id);
    REQUIRE_FALSE(answer.at("result").at("items").empty());
    const Json& item = answer.at("result").at("items")[0];
    const lsp::Range range = range_of(item);
    CHECK(range.end == cursor);
    CHECK(range.start.line == range.end.line);
    CHECK(range.start == text.position(c.before.size() - c.word.size(), encoding));
    CHECK(text.slice(range, encoding) == c.word);
    CHECK(item.at("insertText") == c.word + model->script());
  }
}

TEST_CASE("a cursor beyond its line counts as the line's end") {
  LspClient client(std::make_shared<ScriptedModel>(kScript));
  client.initialize();
  client.open(kUri, "ab\r\ncd");
  int id = 0;
  for (const Position position : {Position{0, 3}, Position{0, 1000}, Position{0, 2147483647}}) {
    client.request_completion(++id, kUri, position);
    CHECK(range_of(client.wait_for_answer(id).at("result").at("items")[0]).end == Position{0, 2});
  }
  for (const Position position : {Position{1, 3}, Position{2, 0}, Position{2147483647, 2147483647}}) {
    client.request_completion(++id, kUri, position);
    CHECK(range_of(client.wait_for_answer(id).at("result").at("items")[0]).end == Position{1, 2});
  }
}

TEST_CASE("a cursor inside a surrogate pair counts as the character's start") {
  LspClient client(std::make_shared<ScriptedModel>(kScript));
  client.initialize({"utf-16"});
  client.open(kUri, "a😀b");
  client.invoke_completion(1, kUri, {0, 2});
  const Json item = client.wait_for_answer(1).at("result").at("items")[0];
  CHECK(range_of(item).end == Position{0, 1});
  CHECK(item.at("insertText") == "a" + kScript);
}

TEST_CASE("completions of unknown documents and with wrong params are refused") {
  Fixture f;
  f.client.request_completion(1, "file:///other.txt", {});
  CHECK(error_code(f.client.wait_for_answer(1)) == -32602);
  CHECK_THAT(f.client.wait_for_answer(1).at("error").at("message").get<std::string>(), Catch::Contains("file:///other.txt"));
  int id = 1;
  for (const Json& params : {Json(nullptr), Json::array(), Json::object(), Json{{"textDocument", {{"uri", kUri}}}},
                             Json{{"textDocument", {{"uri", kUri}}}, {"position", {{"line", -1}, {"character", 0}}}},
                             Json{{"textDocument", {{"uri", kUri}}}, {"position", {{"line", 0}, {"character", "0"}}}},
                             Json{{"textDocument", {{"uri", 5}}}, {"position", {{"line", 0}, {"character", 0}}}}}) {
    f.client.send_request(++id, "textDocument/inlineCompletion", params);
    REQUIRE(f.client.answers(id).size() == 1);
    CHECK(error_code(f.client.answers(id)[0]) == -32602);
  }
  CHECK(f.model->n_forwards() == 0);
}

TEST_CASE("a model with nothing to say gives an empty list, never null") {
  Fixture f("");
  f.complete(1);
  f.check_empty(1);
}

TEST_CASE("a model that computes no numbers gives an empty list") {
  Fixture f(kScript, ScriptedModel::Logits::kNan);
  f.complete(1);
  f.check_empty(1);
  f.complete(2);
  f.check_empty(2);
}

TEST_CASE("requests that arrive while the model loads wait for it") {
  const auto model = std::make_shared<ScriptedModel>(kScript);
  model->loading.shut();
  LspClient client(model);
  client.initialize();
  client.open(kUri, "word");
  client.request_completion(1, kUri, {0, 4});
  client.request_completion(2, kUri, {0, 4});
  CHECK(client.wait_for_answer(1).at("result") == no_items());
  client.cancel(2);
  CHECK(error_code(client.wait_for_answer(2)) == -32800);
  client.request_completion(3, kUri, {0, 4});
  client.run_posted();
  CHECK(client.answers(3).empty());
  model->loading.open();
  CHECK(client.wait_for_answer(3).at("result").at("items").size() == 1);
  CHECK(client.answers(1).size() == 1);
  CHECK(client.answers(2).size() == 1);
}

TEST_CASE("a newer request supersedes the one that runs and the ones that wait") {
  Fixture f;
  f.complete_until_blocked(1);
  f.complete(2);
  f.client.open("file:///b.txt", "");
  f.client.request_completion(3, "file:///b.txt", {});
  f.complete(4);
  f.model->step.open();
  f.check_completed(4);
  f.check_empty(1);
  f.check_empty(2);
  f.check_empty(3);
}

TEST_CASE("a running request that is cancelled is answered at once and only once") {
  Fixture f;
  f.complete_until_blocked(1);
  f.client.cancel(1);
  REQUIRE(f.client.answers(1).size() == 1);
  CHECK(error_code(f.client.answers(1)[0]) == -32800);
  f.client.cancel(1);
  f.model->step.open();
  f.client.wait_until_settled();
  CHECK(f.client.answers(1).size() == 1);
}

TEST_CASE("a waiting request that is cancelled is answered at once and never computed") {
  Fixture f;
  f.complete_until_blocked(1);
  f.client.open("file:///b.txt", "");
  f.client.request_completion("waits", "file:///b.txt", {});
  f.client.cancel("waits");
  REQUIRE(f.client.answers("waits").size() == 1);
  CHECK(error_code(f.client.answers("waits")[0]) == -32800);
  const std::size_t n_before = f.model->n_forwards();
  f.model->step.open();
  f.check_empty(1);
  f.client.run_until([&] { return f.client.n_posted_run() == 3; });  // the model's opening and both ends
  CHECK(f.model->n_forwards() == n_before);
  CHECK(f.client.answers("waits").size() == 1);
}

TEST_CASE("a cancellation that comes after the result is computed and before it is sent wins") {
  Fixture f;
  f.client.wait_until_settled();
  f.complete(1);
  f.client.wait_until_posted(1);
  f.client.cancel(1);
  f.client.run_posted();
  REQUIRE(f.client.answers(1).size() == 1);
  CHECK(error_code(f.client.answers(1)[0]) == -32800);
}

TEST_CASE("a cancellation of an id that is unknown, answered or of the other type is ignored") {
  Fixture f;
  f.complete(1);
  f.check_completed(1);
  const std::size_t n_before = f.client.n_answers();
  f.client.cancel(1);
  f.client.cancel(99);
  f.client.cancel("never");
  CHECK(f.client.n_answers() == n_before);
  f.client.replace_all(kUri, "word\n");
  f.complete_until_blocked(2);
  f.client.cancel("2");
  CHECK(f.client.answers(2).empty());
  f.model->step.open();
  f.check_completed(2);
  CHECK(f.client.answers(1).size() == 1);
}

TEST_CASE("an id that is still pending is refused and its first request is still answered") {
  Fixture f;
  f.complete_until_blocked(1);
  f.complete(1);
  REQUIRE(f.client.answers(1).size() == 1);
  CHECK(error_code(f.client.answers(1)[0]) == -32600);
  f.model->step.open();
  f.client.run_until([&] { return f.client.answers(1).size() == 2; });
  CHECK(f.client.answers(1)[1].at("result").at("items").size() == 1);
  SECTION("and may be used again afterwards") {
    f.complete(1);
    f.client.run_until([&] { return f.client.answers(1).size() == 3; });
    CHECK(f.client.answers(1)[2].at("result").at("items").size() == 1);
  }
}

TEST_CASE("an id that is used again after its cancellation gets its own result, not the cancelled one's") {
  Fixture f;
  f.complete_until_blocked(1);
  f.client.cancel(1);
  f.complete(1);
  f.model->step.open();
  f.client.run_until([&] { return f.client.answers(1).size() == 2; });
  f.client.wait_until_settled();
  const auto answers = f.client.answers(1);
  REQUIRE(answers.size() == 2);
  CHECK(error_code(answers[0]) == -32800);
  REQUIRE(answers[1].at("result").at("items").size() == 1);
  CHECK(answers[1].at("result").at("items")[0].at("insertText") == "word" + kScript);
}

TEST_CASE("shutdown answers everything that is pending") {
  Fixture f;
  f.complete_until_blocked(1);
  f.complete(2);
  f.complete("three");
  f.client.send_request(4, "shutdown", nullptr);
  for (const Json& id : {Json(1), Json(2), Json("three")}) {
    REQUIRE(f.client.answers(id).size() == 1);
    CHECK(f.client.answers(id)[0].at("result") == no_items());
  }
  REQUIRE(f.client.answers(4).size() == 1);
  CHECK(f.client.answers(4)[0].contains("result"));
  f.client.cancel(1);
  f.model->step.open();
  f.client.run_until([&] { return f.client.n_posted_run() >= 2; });  // the model's opening and a result, too late
  for (const Json& id : {Json(1), Json(2), Json("three")}) CHECK(f.client.answers(id).size() == 1);
}

TEST_CASE("a server that ends answers what is still pending") {
  Fixture f;
  f.complete_until_blocked(1);
  f.complete(2);
  f.client.notify("exit", nullptr);
  f.client.destroy_server();
  CHECK(f.client.answers(1).size() == 1);
  CHECK(f.client.answers(2).size() == 1);
}

TEST_CASE("messages are handled while the engine is in a step") {
  Fixture f;
  f.complete_until_blocked(1);
  const std::size_t n_forwards = f.model->n_forwards();
  f.client.replace_all(kUri, "");
  f.client.open("file:///b.txt", "b");
  f.client.send_request(2, "no/such", nullptr);
  f.client.send_body("{");
  f.client.request_completion(3, "file:///other.txt", {});
  CHECK(error_code(f.client.answers(2).at(0)) == -32601);
  CHECK(error_code(f.client.answers(nullptr).at(0)) == -32700);
  CHECK(error_code(f.client.answers(3).at(0)) == -32602);
  CHECK(f.client.answers(1).empty());
  CHECK(f.model->n_forwards() == n_forwards);
  f.model->step.open();
  f.check_completed(1);  // for the text that the request was about
}

TEST_CASE("a document may be edited and closed while its completion is computed") {
  Fixture f;
  f.complete_until_blocked(1);
  f.client.replace_all(kUri, "x");
  f.client.close(kUri);
  f.model->step.open();
  f.check_completed(1);
  f.complete(2);
  CHECK(error_code(f.client.wait_for_answer(2)) == -32602);
}

}  // namespace octet::tests

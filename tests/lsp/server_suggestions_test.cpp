// What a person sees while typing: suggestions that last, come in time, and grow.
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/lsp/suggestions_fixture.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Position;
using std::chrono::milliseconds;

std::vector<Json> notifications_of(const LspClient& client, const std::string& method) {
  std::vector<Json> found;
  for (const Json& message : client.notifications()) {
    if (message.at("method") == method) found.push_back(message.at("params"));
  }
  return found;
}

}  // namespace

TEST_CASE("who types what was suggested is answered from memory, without a model step") {
  Fixture f("alpha beta");
  CHECK(text_of(f.complete("x = ")) == "alpha beta");
  const std::size_t n_forwards = f.model->n_forwards();
  for (const std::string typed : {"a", "al", "alpha", "alpha ", "alpha bet"}) {
    f.type("x = " + typed);
    const std::string word = typed.substr(typed.rfind(' ') + 1);
    CHECK(text_of(f.ask("x = " + typed)) == word + std::string("alpha beta").substr(typed.size()));
  }
  CHECK(f.model->n_forwards() == n_forwards);
  CHECK(f.stat("from_memory") == 5);
  SECTION("and so is who goes back") {
    f.type("x = al");
    CHECK(text_of(f.ask("x = al")) == "alpha beta");
    CHECK(f.model->n_forwards() == n_forwards);
  }
  SECTION("but not who typed something else") {
    f.type("x = b");
    CHECK(text_of(f.ask("x = b")) == "balpha beta");
    CHECK(f.model->n_forwards() > n_forwards);
  }
  SECTION("nor where other text changed") {
    f.type("y = al");
    CHECK(text_of(f.ask("y = al")) == "alalpha beta");
    f.type("x = al\nmore");
    CHECK(text_of(f.ask("x = al\nmore")) == "alalpha beta");
  }
  SECTION("nor in another document") { CHECK(text_of(f.complete("x = al", "file:///b.txt")) == "alalpha beta"); }
  SECTION("nor where all of it was typed") {
    f.type("x = alpha beta");
    CHECK(text_of(f.ask("x = alpha beta")) == "betaalpha beta");
  }
}

TEST_CASE("who asks again is not given what time cut off") {
  const std::string whole = "one two three four five six seven eight";
  const Json invoked{{"triggerKind", 1}};
  Fixture f(whole);
  f.client.wait_until_settled();
  f.model->step.shut();
  f.client.open(kUri, "x = ");
  f.client.request_completion("a", kUri, {0, 4}, invoked);
  f.model->step.let_through(2);
  REQUIRE(f.model->step.wait_until_occupied());
  std::this_thread::sleep_for(milliseconds(2100));  // the limit is one of real time
  f.model->step.open();
  const std::string cut = text_of(f.client.wait_for_answer("a"));
  CHECK(cut.size() < whole.size());
  CHECK(whole.starts_with(cut));
  f.client.request_completion("b", kUri, {0, 4}, invoked);
  CHECK(text_of(f.client.wait_for_answer("b")) == whole);
}

TEST_CASE("a text that takes long is answered in time, and the rest when it is asked for") {
  const std::string whole = "one two three four five six seven eight";
  Fixture f(whole);
  f.client.wait_until_settled();
  f.model->step.shut();
  f.client.open(kUri, "x = ");
  f.client.request_completion("a", kUri, {0, 4});
  f.model->step.let_through(2);  // the prompt, and a first step: some bytes
  REQUIRE(f.model->step.wait_until_occupied());
  f.client.run_posted();
  f.client.advance(milliseconds(149));
  CHECK(f.client.answers("a").empty());
  f.client.advance(milliseconds(1));
  const std::string part = text_of(f.client.wait_for_answer("a"));
  REQUIRE(whole.starts_with(part));
  REQUIRE(part.size() < whole.size());
  REQUIRE(part.size() > 2);

  f.type("x = on");  // what was suggested: the rest goes on being computed
  f.client.request_completion("b", kUri, {0, 6});
  CHECK(text_of(f.client.wait_for_answer("b")) == part);
  SECTION("all of it") {
    const std::uint64_t n_completions = f.stat("completions");
    f.model->step.open();
    f.client.run_until([&] { return f.stat("completions") > n_completions; });
    const std::size_t n_forwards = f.model->n_forwards();
    CHECK(text_of(f.ask("x = on")) == whole);
    CHECK(f.model->n_forwards() == n_forwards);
  }
  SECTION("but no more of it where the person goes another way") {
    f.type("x = oz");
    const std::size_t n_forwards = f.model->n_forwards();
    const std::uint64_t n_completions = f.stat("completions");
    f.model->step.open();
    f.client.run_until([&] { return f.stat("completions") > n_completions; });
    CHECK(f.model->n_forwards() == n_forwards);
  }
}

TEST_CASE("a client that takes them gets the text as it grows, cumulative and numbered") {
  Fixture f("first line", options({{"streaming", true}}));
  const Json answer = f.complete("x = f");
  const auto partials = notifications_of(f.client, "octet/inlineCompletionPartial");
  REQUIRE_FALSE(partials.empty());
  std::string before = "f";
  for (std::size_t i = 0; i < partials.size(); ++i) {
    CHECK(partials[i].at("uri") == kUri);
    CHECK(partials[i].at("requestId") == f.n_requests);
    CHECK(partials[i].at("version").is_number_integer());
    CHECK(partials[i].at("sequence") == i);
    CHECK(partials[i].at("done") == (i + 1 == partials.size()));
    const std::string text = partials[i].at("text");
    CHECK(text.starts_with(before));
    before = text;
  }
  CHECK(before == text_of(answer));
}

TEST_CASE("a key that was not suggested costs one position, and an edit before the cursor the bytes behind it") {
  const std::string head(300, '#');
  Fixture f("suggested", options({{"maxBytes", 9}}));
  f.complete(head + "\n");
  const auto n_computed = [&](const std::string& text) {
    const std::uint64_t before = f.stat("positions_computed");
    f.type(text);
    f.client.invoke_completion(++f.n_requests, kUri, {1, static_cast<std::uint32_t>(text.size() - text.find('\n') - 1)});
    f.client.wait_for_answer(f.n_requests);
    return f.stat("positions_computed") - before;
  };
  std::string text = head + "\nx";
  n_computed(text);
  for (const char key : std::string("yz = f(1) + 2")) {
    text += key;
    CAPTURE(text.substr(300));
    CHECK(n_computed(text) == 1);
  }
  text.pop_back();
  CHECK(n_computed(text) <= 1);  // deleting computes nothing but the row to begin from
  text.insert(text.size() - 5, 1, 'q');
  CHECK(n_computed(text) == 6);
}

TEST_CASE("what a superseded completion still says is not taken for the newer one's") {
  Fixture f("one two three four five six seven eight", options({{"streaming", true}}));
  f.client.wait_until_settled();
  f.model->step.shut();
  f.client.open(kUri, "x = ");
  f.client.open("file:///b.txt", "y = ");
  f.client.request_completion("a", kUri, {0, 4});
  f.model->step.let_through(2);
  REQUIRE(f.model->step.wait_until_occupied());
  f.client.wait_until_posted(1);
  f.client.request_completion("b", "file:///b.txt", {0, 4});
  f.model->step.open();
  CHECK(text_of(f.client.wait_for_answer("b")) == f.model->script());
  for (const Json& partial : notifications_of(f.client, "octet/inlineCompletionPartial")) {
    CHECK(partial.at("requestId") != "a");
    CHECK(f.model->script().starts_with(partial.at("text").get<std::string>()));
  }
}

TEST_CASE("a client that did not ask for partial texts gets none") {
  Fixture f("text");
  f.complete("x");
  CHECK(notifications_of(f.client, "octet/inlineCompletionPartial").empty());
}

TEST_CASE("who asks gets different completions, and typing on keeps those that fit") {
  Fixture f("tail");
  f.client.open(kUri, "x = ");
  f.client.invoke_completion("a", kUri, {0, 4});
  const Json items = f.client.wait_for_answer("a").at("result").at("items");
  REQUIRE(items.size() == 3);
  CHECK(items[0].at("insertText") == "tail");
  CHECK(items[1].at("insertText") != items[0].at("insertText"));
  CHECK(items[2].at("insertText") != items[1].at("insertText"));
  const std::size_t n_forwards = f.model->n_forwards();
  f.type("x = t");
  f.client.invoke_completion("b", kUri, {0, 5});
  CHECK(f.client.wait_for_answer("b").at("result").at("items").size() == 1);
  CHECK(f.model->n_forwards() == n_forwards);
}

TEST_CASE("who asks sees what the model is not sure of, waits for all of it, and for the model") {
  SECTION("not sure") {
    Fixture f("tail", options({{"minConfidence", 0.999}}));
    CHECK(f.complete("x = ").at("result") == no_items());
    CHECK(f.reason() == "low_confidence");
    f.client.invoke_completion("a", kUri, {0, 4});
    CHECK(text_of(f.client.wait_for_answer("a")) == "tail");
  }
  const auto model = std::make_shared<ScriptedModel>("one two three four five six seven eight");
  LspClient client(model);
  SECTION("all of it") {
    client.initialize();
    client.wait_until_settled();
    model->step.shut();
    client.open(kUri, "x = ");
    client.invoke_completion(1, kUri, {0, 4});
    model->step.let_through(2);
    REQUIRE(model->step.wait_until_occupied());
    client.run_posted();
    client.advance(std::chrono::seconds(10));
    CHECK(client.answers(1).empty());
    model->step.open();
    CHECK(text_of(client.wait_for_answer(1)) == model->script());
  }
  SECTION("the model") {
    model->loading.shut();
    client.initialize();
    client.open(kUri, "x = ");
    client.invoke_completion(1, kUri, {0, 4});
    client.advance(std::chrono::seconds(10));
    CHECK(client.answers(1).empty());
    model->loading.open();
    CHECK(text_of(client.wait_for_answer(1)) == model->script());
  }
}

TEST_CASE("an automatic request has one completion") {
  Fixture f("tail");
  CHECK(f.complete("x").at("result").at("items").size() == 1);
}

TEST_CASE("items extend what the list of suggestions would insert") {
  Fixture f("(1)");
  f.client.open(kUri, "foo.pu\nmore");
  const Json selected = {{"text", "push"},
                         {"range", {{"start", {{"line", 0}, {"character", 4}}}, {"end", {{"line", 0}, {"character", 6}}}}}};
  f.client.request_completion(1, kUri, {0, 6}, {{"triggerKind", 2}, {"selectedCompletionInfo", selected}});
  const Json item = f.client.wait_for_answer(1).at("result").at("items").at(0);
  CHECK(item.at("insertText") == "push(1)");
  CHECK(item.at("range") == selected.at("range"));
  CHECK_THAT(f.model->last_prompt(), Catch::EndsWith("foo.push"));
  CHECK_THAT(f.model->last_prompt(), Catch::Contains("\nmore"));
  SECTION("and taking the suggestion over is typing on") {
    const std::size_t n_forwards = f.model->n_forwards();
    f.type("foo.push\nmore");
    CHECK(text_of(f.ask("foo.push\nmore")) == "push(1)");
    CHECK(f.model->n_forwards() == n_forwards);
  }
}

TEST_CASE("with text right of the cursor only who asks gets a completion") {
  Fixture f("tail");
  f.client.open(kUri, "call(, b)");
  f.client.request_completion("a", kUri, {0, 5});
  CHECK(f.client.wait_for_answer("a").at("result") == no_items());
  CHECK(f.reason() == "no_room");
  f.client.invoke_completion("b", kUri, {0, 5});
  CHECK_FALSE(f.client.wait_for_answer("b").at("result").at("items").empty());
  for (const std::string behind : {")", "]);", " }", "'", "  ", ">"}) {
    f.type("call(" + behind);
    f.client.request_completion(behind, kUri, {0, 5});
    CHECK_FALSE(f.client.wait_for_answer(behind).at("result").at("items").empty());
  }
}

TEST_CASE("explain tells what computing the last completion took") {
  Fixture f("tail");
  const auto completion = [&f] {
    f.client.send_request(++f.n_requests, "octet/explain", nullptr);
    return f.client.wait_for_answer(f.n_requests).at("result").at("completion");
  };
  CHECK(completion().is_null());
  f.complete("x = ");
  const Json first = completion();
  CHECK(first.at("bytes") == 4);
  CHECK(first.at("stopReason") == "end");
  CHECK(first.at("promptBytes") > 4);
  CHECK(first.at("reusedBytes") == 0);
  CHECK(first.at("ms").at("total") >= first.at("ms").at("decode"));
  SECTION("and not what typing on took") {
    f.type("x = t");
    f.ask("x = t");
    CHECK(completion() == first);
  }
  SECTION("with what was reused of the prompt") {
    f.type("x = y");
    f.ask("x = y");
    CHECK(completion().at("reusedBytes") > 0);
  }
}

TEST_CASE("with a debounce only the last of quick requests is computed") {
  Fixture f("tail", options({{"debounceMs", 50}}));
  f.client.run_until([&] { return f.status().at("state") == "ready"; });
  const std::size_t n_forwards = f.model->n_forwards();
  f.client.open(kUri, "a");
  f.client.request_completion("1", kUri, {0, 1});
  f.client.advance(milliseconds(49));
  f.type("ab");
  f.client.request_completion("2", kUri, {0, 2});
  CHECK(f.client.wait_for_answer("1").at("result") == no_items());
  f.client.advance(milliseconds(49));
  CHECK(f.client.answers("2").empty());
  CHECK(f.model->n_forwards() == n_forwards);
  SECTION("after that time") {
    f.client.advance(milliseconds(1));
    CHECK(text_of(f.client.wait_for_answer("2")) == "abtail");
  }
  SECTION("unless it is cancelled before") {
    f.client.cancel("2");
    CHECK(error_code(f.client.wait_for_answer("2")) == -32800);
    f.client.advance(milliseconds(100));
    CHECK(f.model->n_forwards() == n_forwards);
    CHECK(f.client.answers("2").size() == 1);
  }
  SECTION("and who asks need not wait") {
    f.client.invoke_completion("3", kUri, {0, 2});
    CHECK(text_of(f.client.wait_for_answer("3")) == "abtail");
    CHECK(f.client.wait_for_answer("2").at("result") == no_items());
  }
}

TEST_CASE("documents that were never saved are completed by their language") {
  Fixture f("tail");
  CHECK(text_of(f.complete("x", "untitled:Untitled-1")) == "xtail");
}

TEST_CASE("what became of suggestions is counted") {
  Fixture f("tail");
  const auto show = [&](const Json& item) { f.client.notify("textDocument/didShowCompletion", {{"item", item}}); };
  const Json first = f.complete("x = ").at("result").at("items").at(0);
  show(first);
  show(first);
  CHECK(f.stat("shown") == 1);
  f.client.notify("textDocument/didPartiallyAcceptCompletion", {{"item", first}, {"acceptedLength", 2}});
  CHECK(f.stat("accepted_partly") == 1);
  CHECK(f.stat("bytes_accepted") == 2);
  f.client.send_request("accept", "workspace/executeCommand", first.at("command"));
  CHECK(f.client.wait_for_answer("accept").at("result").is_null());
  f.client.send_request("again", "workspace/executeCommand", first.at("command"));
  CHECK(f.stat("accepted") == 1);
  CHECK(f.stat("bytes_accepted") == 4);

  f.type("y = ");
  const Json second = f.ask("y = ").at("result").at("items").at(0);
  show(second);
  f.type("z = ");
  show(f.ask("z = ").at("result").at("items").at(0));
  CHECK(f.stat("shown") == 3);
  CHECK(f.stat("dismissed") == 1);
  CHECK(f.stat("answered") == 3);
  CHECK(f.stat("bytes_offered") == 12);
  CHECK(f.status().at("stats").at("latency_ms").at("n") == 3);
  f.client.notify("textDocument/didShowCompletion", {{"item", {{"command", {{"arguments", {"unknown"}}}}}}});
  CHECK(f.stat("shown") == 3);
}

}  // namespace octet::tests

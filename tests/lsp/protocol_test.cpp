// Params to values: what is needed is named when it is missing or of the wrong type; what is not needed may be anything.
#include "lsp/protocol.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "lsp/initialize.h"
#include "lsp/inline_completion.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::PositionEncoding;

enum class Kind { kText, kCoordinate, kObject, kArray };

/// A field that must be there: where it stands, and the name that an error must mention.
struct Field {
  std::string pointer;
  Kind kind;
  std::string name;
};

/// Values of every JSON type but `kind`'s own.
std::vector<Json> wrong_values(Kind kind) {
  std::vector<Json> values{Json(nullptr), Json(true), Json(1.5), Json(1e300), Json(-0.0)};
  if (kind != Kind::kText) values.insert(values.end(), {Json(""), Json("1"), Json("file:///a")});
  if (kind != Kind::kObject) values.insert(values.end(), {Json::object(), Json{{"uri", "file:///a"}}, Json{{"line", 1}}});
  if (kind != Kind::kArray) values.insert(values.end(), {Json::array(), Json::array({1}), Json::array({"uri"})});
  if (kind != Kind::kCoordinate) {
    values.insert(values.end(), {Json(0), Json(-1)});
  } else {
    values.insert(values.end(),
                  {Json(-1), Json(INT64_MIN), Json(std::int64_t{2147483648}), Json(std::int64_t{4294967296}), Json(UINT64_MAX)});
  }
  return values;
}

/// Takes each field away, then gives it every wrong type; `parse` returns the error's message or "" where there was none.
void check_fields(const Json& good, const std::vector<Field>& fields, const std::function<Result<void>(const Json&)>& parse) {
  REQUIRE(parse(good).has_value());
  const auto check = [&](const Json& params, const Field& field) {
    CAPTURE(params.dump());
    const Result<void> parsed = parse(params);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(parsed.error().message, Catch::Contains(field.name));
  };
  for (const Field& field : fields) {
    const Json::json_pointer pointer(field.pointer);
    Json without = good;
    without[pointer.parent_pointer()].erase(pointer.back());
    check(without, field);
    for (const Json& wrong : wrong_values(field.kind)) {
      Json changed = good;
      changed[pointer] = wrong;
      check(changed, field);
    }
  }
  for (const Json& params : {Json(nullptr), Json(1), Json("x"), Json::array(), Json::array({good}), Json::object()})
    CHECK_FALSE(parse(params).has_value());

  Json more = good;
  more["unknown"] = {{"x", 1}};
  CHECK(parse(more).has_value());
}

template <class T>
std::function<Result<void>(const Json&)> checker(Result<T> (*parse)(const Json&)) {
  return [parse](const Json& params) { return parse(params).map([](const T&) {}); };
}

PositionEncoding negotiated(const Json& offered) {
  const auto params = lsp::parse_initialize({{"capabilities", {{"general", {{"positionEncodings", offered}}}}}});
  REQUIRE(params.has_value());
  return params->encoding;
}

}  // namespace

TEST_CASE("didOpen needs a URI and a text") {
  const Json good = Json::parse(R"({"textDocument":{"uri":"file:///a","languageId":"cpp","version":3,"text":"a\u0000b"}})");
  check_fields(good,
               {{"/textDocument", Kind::kObject, "textDocument"},
                {"/textDocument/uri", Kind::kText, "textDocument.uri"},
                {"/textDocument/text", Kind::kText, "textDocument.text"}},
               checker(lsp::parse_did_open));
  const auto params = lsp::parse_did_open(good);
  CHECK(params->uri == "file:///a");
  CHECK(params->language == "cpp");
  CHECK(params->version == 3);
  CHECK(params->text == std::string("a\0b", 3));
}

TEST_CASE("didOpen does without a version and a language") {
  const auto params = lsp::parse_did_open(Json::parse(R"({"textDocument":{"uri":"u","text":""}})"));
  REQUIRE(params.has_value());
  CHECK(params->version == 0);
  CHECK(params->language.empty());
}

TEST_CASE("didChange needs a URI and changes with texts and whole ranges") {
  const Json good = Json::parse(R"({"textDocument":{"uri":"file:///a","version":4},"contentChanges":[
      {"range":{"start":{"line":1,"character":2},"end":{"line":3,"character":2147483647}},"rangeLength":9,"text":"x"},{"text":"y"}]})");
  check_fields(good,
               {{"/textDocument", Kind::kObject, "textDocument"},
                {"/textDocument/uri", Kind::kText, "textDocument.uri"},
                {"/contentChanges", Kind::kArray, "contentChanges"},
                {"/contentChanges/0/text", Kind::kText, "text"},
                {"/contentChanges/1/text", Kind::kText, "text"},
                {"/contentChanges/0/range/start", Kind::kObject, "range.start"},
                {"/contentChanges/0/range/start/line", Kind::kCoordinate, "range.start.line"},
                {"/contentChanges/0/range/start/character", Kind::kCoordinate, "range.start.character"},
                {"/contentChanges/0/range/end", Kind::kObject, "range.end"},
                {"/contentChanges/0/range/end/line", Kind::kCoordinate, "range.end.line"},
                {"/contentChanges/0/range/end/character", Kind::kCoordinate, "range.end.character"}},
               checker(lsp::parse_did_change));
  const auto params = lsp::parse_did_change(good);
  CHECK(params->uri == "file:///a");
  CHECK(params->version == 4);
  REQUIRE(params->changes.size() == 2);
  REQUIRE(params->changes[0].range.has_value());
  CHECK(params->changes[0].range->start == lsp::Position{1, 2});
  CHECK(params->changes[0].range->end == lsp::Position{3, 2147483647});
  CHECK(params->changes[0].text == "x");
  CHECK_FALSE(params->changes[1].range.has_value());
  CHECK(params->changes[1].text == "y");
}

TEST_CASE("a change whose range is no object or an entry that is no change is refused") {
  for (const Json& range : wrong_values(Kind::kObject)) {
    if (range.is_null()) continue;  // a client in a language without optional values writes null for none
    const auto params =
        lsp::parse_did_change({{"textDocument", {{"uri", "u"}}}, {"contentChanges", Json::array({{{"text", "x"}, {"range", range}}})}});
    CAPTURE(range.dump());
    REQUIRE_FALSE(params.has_value());
    CHECK(params.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(params.error().message, Catch::Contains("range"));
  }
  for (const Json& entry : wrong_values(Kind::kObject)) {
    CAPTURE(entry.dump());
    CHECK_FALSE(lsp::parse_did_change({{"textDocument", {{"uri", "u"}}}, {"contentChanges", Json::array({entry})}}).has_value());
  }
}

TEST_CASE("didChange may come without changes") {
  const auto params = lsp::parse_did_change(Json::parse(R"({"textDocument":{"uri":"u"},"contentChanges":[]})"));
  REQUIRE(params.has_value());
  CHECK(params->changes.empty());
}

TEST_CASE("didClose needs a URI") {
  const Json good = {{"textDocument", {{"uri", "file:///a"}}}};
  check_fields(good, {{"/textDocument", Kind::kObject, "textDocument"}, {"/textDocument/uri", Kind::kText, "textDocument.uri"}},
               checker(lsp::parse_did_close));
  CHECK(*lsp::parse_did_close(good) == "file:///a");
}

TEST_CASE("inlineCompletion needs a URI and a position") {
  const Json good =
      Json::parse(R"({"textDocument":{"uri":"file:///a"},"position":{"line":0,"character":2147483647},"context":{"triggerKind":2}})");
  check_fields(good,
               {{"/textDocument", Kind::kObject, "textDocument"},
                {"/textDocument/uri", Kind::kText, "textDocument.uri"},
                {"/position", Kind::kObject, "position"},
                {"/position/line", Kind::kCoordinate, "position.line"},
                {"/position/character", Kind::kCoordinate, "position.character"}},
               checker(lsp::parse_inline_completion));
  const auto params = lsp::parse_inline_completion(good);
  CHECK(params->uri == "file:///a");
  CHECK(params->position == lsp::Position{0, 2147483647});
}

TEST_CASE("cancelRequest needs an id that is an integer or a string") {
  for (const Json& id : {Json(1), Json(-5), Json(INT64_MAX), Json(UINT64_MAX), Json("x"), Json("")}) {
    const auto parsed = lsp::parse_cancel({{"id", id}});
    REQUIRE(parsed.has_value());
    CHECK(*parsed == id);
  }
  for (const Json& params : {Json(nullptr), Json::object(), Json(1), Json::array({1}), Json{{"id", nullptr}}, Json{{"id", 1.5}},
                             Json{{"id", true}}, Json{{"id", Json::array()}}, Json{{"id", Json::object()}}, Json{{"ID", 1}}}) {
    CAPTURE(params.dump());
    const auto parsed = lsp::parse_cancel(params);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(parsed.error().message, Catch::Contains("id"));
  }
}

TEST_CASE("the best encoding that the client offers is taken, in any order") {
  CHECK(negotiated({"utf-8"}) == PositionEncoding::kUtf8);
  CHECK(negotiated({"utf-16"}) == PositionEncoding::kUtf16);
  CHECK(negotiated({"utf-32"}) == PositionEncoding::kUtf32);
  CHECK(negotiated({"utf-16", "utf-8"}) == PositionEncoding::kUtf8);
  CHECK(negotiated({"utf-32", "utf-16"}) == PositionEncoding::kUtf16);
  CHECK(negotiated({"utf-32", "utf-16", "utf-8"}) == PositionEncoding::kUtf8);
}

TEST_CASE("UTF-16 is spoken where the client offers nothing or nothing that is known") {
  CHECK(negotiated(Json::array()) == PositionEncoding::kUtf16);
  CHECK(negotiated(nullptr) == PositionEncoding::kUtf16);
  CHECK(negotiated({"utf-7", "UTF-8", "utf8", "", 8, nullptr, true, Json::array({"utf-8"}), Json::object()}) == PositionEncoding::kUtf16);
  for (const char* params :
       {"{}", R"({"capabilities":{}})", R"({"capabilities":{"general":{}}})", R"({"processId":null,"rootUri":null})"}) {
    const auto parsed = lsp::parse_initialize(Json::parse(params));
    REQUIRE(parsed.has_value());
    CHECK(parsed->encoding == PositionEncoding::kUtf16);
  }
}

TEST_CASE("initialize needs an object and encodings in an array") {
  for (const Json& params : {Json(nullptr), Json(1), Json("x"), Json::array(), Json(true)}) {
    const auto parsed = lsp::parse_initialize(params);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
  }
  for (const Json& offered : {Json("utf-8"), Json(8), Json::object(), Json(true)}) {
    const auto parsed = lsp::parse_initialize({{"capabilities", {{"general", {{"positionEncodings", offered}}}}}});
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(parsed.error().message, Catch::Contains("capabilities.general.positionEncodings"));
  }
}

TEST_CASE("a request for completions says who asked and what the list of suggestions would insert") {
  Json params = {{"textDocument", {{"uri", "file:///a"}}}, {"position", {{"line", 1}, {"character", 2}}}};
  CHECK_FALSE(lsp::parse_inline_completion(params)->is_invoked);  // what most editors do
  params["context"] = {{"triggerKind", 1}};
  CHECK(lsp::parse_inline_completion(params)->is_invoked);
  CHECK_FALSE(lsp::parse_inline_completion(params)->selected.has_value());
  params["context"] = Json::parse(
      R"({"triggerKind":2,"selectedCompletionInfo":{"text":"join","range":{"start":{"line":1,"character":0},"end":{"line":1,"character":2}}}})");
  const auto parsed = lsp::parse_inline_completion(params);
  CHECK_FALSE(parsed->is_invoked);
  REQUIRE(parsed->selected.has_value());
  CHECK(parsed->selected->text == "join");
  CHECK(parsed->selected->range.end.character == 2);
  params["context"]["selectedCompletionInfo"].erase("range");
  CHECK_THAT(lsp::parse_inline_completion(params).error().message,
             Catch::Contains("params.context.selectedCompletionInfo.range.start.line"));
}

TEST_CASE("feedback names its item by the first argument of the item's command") {
  const Json item = {{"insertText", "x"}, {"command", {{"command", "c"}, {"arguments", {"7"}}}}};
  CHECK(lsp::parse_item_feedback({{"item", item}})->token == "7");
  CHECK(lsp::parse_item_feedback({{"item", item}, {"acceptedLength", 4}})->accepted_length == 4);
  for (const Json& params :
       {Json(nullptr), Json::object(), Json{{"item", {{"insertText", "x"}}}}, Json{{"item", {{"command", {{"arguments", {1}}}}}}}})
    CHECK_FALSE(lsp::parse_item_feedback(params).has_value());
}

TEST_CASE("items become an InlineCompletionList whose commands name the suggestion") {
  CHECK(lsp::make_items({}, {}, "") == Json::parse(R"({"items":[]})"));
  const lsp::ItemFrame frame{"a", {{1, 2}, {1, 3}}};
  CHECK(lsp::make_items(frame, {"\n\"é", "b"}, "5") == Json::parse(R"({"items":[
      {"insertText":"a\n\"é","range":{"start":{"line":1,"character":2},"end":{"line":1,"character":3}},
       "command":{"title":"Accept completion","command":"octet.acceptCompletion","arguments":["5"]}},
      {"insertText":"ab","range":{"start":{"line":1,"character":2},"end":{"line":1,"character":3}},
       "command":{"title":"Accept completion","command":"octet.acceptCompletion","arguments":["5"]}}]})"));
}

}  // namespace octet::tests

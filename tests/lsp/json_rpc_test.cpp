// From bodies to messages and back: kinds, ids, nesting (R4), text that is no UTF-8.
#include "lsp/json_rpc.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "bytemodel/json_depth.h"

namespace octet::tests {
namespace {

using lsp::Invalid;
using lsp::Json;
using lsp::Message;
using lsp::Notification;
using lsp::parse_message;
using lsp::Request;
using lsp::Response;
using lsp::RpcError;

std::string body(const std::string& members) { return R"({"jsonrpc":"2.0",)" + members + "}"; }

void check_invalid(const std::string& text, RpcError code, const Json& id) {
  CAPTURE(text.substr(0, 200));
  const Message message = parse_message(text);
  const auto* invalid = std::get_if<Invalid>(&message);
  REQUIRE(invalid != nullptr);
  CHECK(invalid->code == code);
  CHECK(invalid->id == id);
  CHECK(!invalid->message.empty());
}

/// A request whose params nest so that the body has `depth` levels, its own object included.
std::string nested(std::size_t depth, char open, char close) {
  std::string params(depth - 1, open);
  if (open == '{') {
    params.clear();
    for (std::size_t i = 0; i < depth - 1; ++i) params += "{\"a\":";
    params += "1";
  }
  return body(R"("id":1,"method":"m","params":)" + params + std::string(depth - 1, close));
}

}  // namespace

TEST_CASE("a method with an id is a request and without one a notification") {
  const Message request = parse_message(body(R"("id":7,"method":"a/b","params":{"x":[1,2]})"));
  REQUIRE(std::holds_alternative<Request>(request));
  CHECK(std::get<Request>(request).id == 7);
  CHECK(std::get<Request>(request).method == "a/b");
  CHECK(std::get<Request>(request).params == Json::parse(R"({"x":[1,2]})"));

  const Message notification = parse_message(body(R"("method":"$/c","params":[null])"));
  REQUIRE(std::holds_alternative<Notification>(notification));
  CHECK(std::get<Notification>(notification).method == "$/c");
  CHECK(std::get<Notification>(notification).params == Json::parse("[null]"));
}

TEST_CASE("params that are left out are null") {
  CHECK(std::get<Request>(parse_message(body(R"("id":1,"method":"m")"))).params.is_null());
  CHECK(std::get<Notification>(parse_message(body(R"("method":"m")"))).params.is_null());
}

TEST_CASE("an id with a result or an error and no method is a response") {
  for (const char* members : {R"("id":3,"result":null)", R"("id":3,"result":{})", R"("id":3,"error":{"code":1,"message":"m"})"}) {
    const Message message = parse_message(body(members));
    REQUIRE(std::holds_alternative<Response>(message));
    CHECK(std::get<Response>(message).id == 3);
  }
  CHECK(std::holds_alternative<Response>(parse_message(body(R"("id":null,"error":{"code":1,"message":"m"})"))));
}

TEST_CASE("ids are integers or strings, kept as they are") {
  for (const char* id : {"0", "1", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551615", R"("")",
                         R"("1")", R"("a\"b\\c")", R"("\u0000")", R"("ид 😀")"}) {
    CAPTURE(id);
    const Message message = parse_message(body(R"("method":"m","id":)" + std::string(id)));
    REQUIRE(std::holds_alternative<Request>(message));
    const Json& found = std::get<Request>(message).id;
    CHECK(found == Json::parse(id));
    CHECK(Json::parse(lsp::make_result(found, 1))["id"] == Json::parse(id));
  }
  for (const char* id : {"null", "1.5", "1e2", "1.0", "true", "false", "[]", "[1]", "{}", R"({"id":1})", "18446744073709551616"}) {
    check_invalid(body(R"("method":"m","id":)" + std::string(id)), RpcError::kInvalidRequest, nullptr);
  }
}

TEST_CASE("objects that are no message are invalid requests, with their id where it can be read") {
  check_invalid("{}", RpcError::kInvalidRequest, nullptr);
  check_invalid(R"({"id":4})", RpcError::kInvalidRequest, 4);
  check_invalid(R"({"id":4,"method":"m"})", RpcError::kInvalidRequest, 4);
  check_invalid(R"({"jsonrpc":"1.0","id":"x","method":"m"})", RpcError::kInvalidRequest, "x");
  check_invalid(R"({"jsonrpc":2.0,"id":4,"method":"m"})", RpcError::kInvalidRequest, 4);
  check_invalid(R"({"jsonrpc":null,"id":4,"method":"m"})", RpcError::kInvalidRequest, 4);
  check_invalid(body(R"("id":4)"), RpcError::kInvalidRequest, 4);
  check_invalid(body(R"("result":4)"), RpcError::kInvalidRequest, nullptr);
  check_invalid(body(R"("params":{})"), RpcError::kInvalidRequest, nullptr);
  for (const char* method : {"1", "null", "true", "[]", "{}", R"(["m"])"}) {
    check_invalid(body(R"("id":4,"method":)" + std::string(method)), RpcError::kInvalidRequest, 4);
    check_invalid(body(R"("method":)" + std::string(method)), RpcError::kInvalidRequest, nullptr);
  }
}

TEST_CASE("batches and other values that are no object are invalid requests") {
  const std::string request = body(R"("id":1,"method":"m")");
  for (const std::string& text : {std::string("[]"), "[" + request + "]", "[" + request + "," + request + "]", std::string("1"),
                                  std::string("\"m\""), std::string("null"), std::string("true")}) {
    check_invalid(text, RpcError::kInvalidRequest, nullptr);
  }
}

TEST_CASE("text that is not JSON is a parse error") {
  for (const std::string& text : {std::string(),
                                  std::string(" "),
                                  std::string("{"),
                                  std::string("}"),
                                  std::string("["),
                                  std::string("]]]]"),
                                  std::string("{]"),
                                  std::string("\""),
                                  std::string("\0", 1),
                                  std::string("nul"),
                                  std::string("{\"id\":1,}"),
                                  std::string("{'id':1}"),
                                  std::string("{\"id\":01}"),
                                  std::string("{\"id\":+1}"),
                                  std::string("{\"id\":NaN}"),
                                  std::string("{\"id\":1}x"),
                                  std::string("{} {}"),
                                  std::string("// c\n{}"),
                                  std::string("{\"a\":\"\n\"}"),
                                  std::string("{\"a\":\"\\x\"}"),
                                  std::string("{\"a\":\"\\u12\"}"),
                                  std::string("\\\"{"),
                                  body(R"("id":1,"method":"m")").substr(0, 20)}) {
    check_invalid(text, RpcError::kParseError, nullptr);
  }
}

TEST_CASE("a body that is not UTF-8 is a parse error") {
  for (const char* bytes : {"\xff", "\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x98",
                            "a\xfe"
                            "b"}) {
    check_invalid(body(R"("id":1,"method":")" + std::string(bytes) + "\""), RpcError::kParseError, nullptr);
    check_invalid(body(R"("id":1,"method":"m","params":{")" + std::string(bytes) + "\":1}"), RpcError::kParseError, nullptr);
  }
}

TEST_CASE("64 levels are parsed and 65 are not") {
  for (const auto& [open, close] : {std::pair{'[', ']'}, std::pair{'{', '}'}}) {
    for (const std::size_t depth : {std::size_t{2}, std::size_t{63}, kMaxJsonDepth}) {
      CAPTURE(open, depth);
      CHECK(std::holds_alternative<Request>(parse_message(nested(depth, open, close))));
    }
    check_invalid(nested(kMaxJsonDepth + 1, open, close), RpcError::kParseError, nullptr);
  }
}

TEST_CASE("deep nesting is refused quickly, closed or not") {
  for (const std::size_t depth : {std::size_t{100'000}, std::size_t{1'000'000}}) {
    for (const std::string& text :
         {nested(depth, '[', ']'), nested(depth, '{', '}'), std::string(depth, '['), std::string("[").append(depth, '{')}) {
      // The best of three: what is measured is the parser, not a busy machine.
      auto best = std::chrono::steady_clock::duration::max();
      for (int i = 0; i < 3; ++i) {
        const auto start = std::chrono::steady_clock::now();
        check_invalid(text, RpcError::kParseError, nullptr);
        best = std::min(best, std::chrono::steady_clock::now() - start);
      }
      CHECK(best < std::chrono::milliseconds(50));
    }
  }
}

TEST_CASE("brackets in strings are no nesting, and neither are siblings") {
  const std::string brackets(1000, '[');
  for (const std::string& text : {"\"" + brackets + "\"", R"("\")" + brackets + R"(\\")", R"({"\\":")" + brackets + R"("})"}) {
    CHECK(std::holds_alternative<Request>(parse_message(body(R"("id":1,"method":"m","params":)" + text))));
  }
  std::string siblings = "[[]";
  for (int i = 0; i < 1000; ++i) siblings += ",[{}]";
  CHECK(std::holds_alternative<Request>(parse_message(body(R"("id":1,"method":"m","params":)" + siblings + "]"))));
  // A quote behind an escaped backslash ends its string: the brackets behind it count.
  check_invalid(body(R"("id":1,"method":"m","params":["\\",)" + brackets + std::string(1000, ']') + "]"), RpcError::kParseError, nullptr);
}

TEST_CASE("what is made is read back") {
  for (const Json& value : {Json(nullptr), Json(1), Json("x"), Json::array(), Json::object(), Json::parse(R"([["a","b"],["c",1]])"),
                            Json::parse(R"({"items":[{"insertText":"é\u0000😀"}]})")}) {
    for (const Json& id : {Json(1), Json("jsonrpc"), Json(nullptr)}) {
      const std::string text = lsp::make_result(id, value);
      CHECK(Json::parse(text) == Json{{"jsonrpc", "2.0"}, {"id", id}, {"result", value}});
      CHECK(std::holds_alternative<Response>(parse_message(text)));
    }
    const std::string text = lsp::make_notification("a/b", value);
    CHECK(Json::parse(text) == Json{{"jsonrpc", "2.0"}, {"method", "a/b"}, {"params", value}});
    CHECK(std::get<Notification>(parse_message(text)).params == value);
  }
  const Json error = Json::parse(lsp::make_error("x", RpcError::kRequestCancelled, "why"));
  CHECK(error == Json::parse(R"({"jsonrpc":"2.0","id":"x","error":{"code":-32800,"message":"why"}})"));
}

TEST_CASE("bodies with text that is not UTF-8 are written with replacement characters") {
  const std::string bad =
      "a\xff\xf0\x9f"
      "b";
  for (const std::string& text :
       {lsp::make_result(bad, bad), lsp::make_error(1, RpcError::kInternalError, bad), lsp::make_notification(bad, bad)}) {
    const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    CHECK_FALSE(json.is_discarded());
    CHECK(text.find("\xEF\xBF\xBD") != std::string::npos);
    CHECK(text.find("\xff") == std::string::npos);
  }
}

TEST_CASE("no body contains a line end, so that logs can show one a line") {
  CHECK(lsp::make_result(1, Json{{"a", "x\r\ny"}}).find_first_of("\r\n") == std::string::npos);
}

TEST_CASE("half a surrogate pair becomes a replacement character, and a whole one stays a character") {
  const auto text_of = [](const std::string& escaped) {
    const auto message = lsp::parse_message(R"({"jsonrpc":"2.0","method":"m","params":")" + escaped + "\"}");
    REQUIRE(std::holds_alternative<lsp::Notification>(message));
    return std::get<lsp::Notification>(message).params.get<std::string>();
  };
  CHECK(text_of(R"(a\ud83db)") == "a\uFFFDb");
  CHECK(text_of(R"(\ude00)") == "\uFFFD");
  CHECK(text_of(R"(\ud83d\ud83d\ude00)") == "\uFFFD\U0001F600");
  CHECK(text_of(R"(\ud83d\ude00\ud83d)") == "\U0001F600\uFFFD");
  CHECK(text_of(R"(\ud83d\\ude00)") == "\uFFFD\\ude00");
  CHECK(text_of(R"(\\ud83d)") == "\\ud83d");
  CHECK(std::holds_alternative<lsp::Invalid>(lsp::parse_message(R"({"jsonrpc":"2.0","method":"\ud83)")));
}

}  // namespace octet::tests

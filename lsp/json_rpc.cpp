#include "lsp/json_rpc.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/json_depth.h"

namespace octet::lsp {
namespace {

std::string dump(const Json& message) { return message.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// Value of the four hexadecimal digits at `offset`; -1 where they are none.
int hex4(std::string_view text, std::size_t offset) {
  int value = -1;
  const std::string_view digits = text.substr(std::min(offset, text.size()), 4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return digits.size() == 4 && error == std::errc() && end == digits.data() + 4 ? value : -1;
}

/// JSON allows the escape of half a surrogate pair, and an editor may send one while a character is in pieces; the parser
/// refuses it. Replaces each half that stands alone by U+FFFD, in place: losing an edit would be worse.
std::string with_lone_surrogates_replaced(std::string text) {
  const auto is_low = [](int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; };
  for (std::size_t i = text.find('\\'); i != std::string::npos; i = text.find('\\', i)) {
    const int unit = text.compare(i, 2, "\\u") == 0 ? hex4(text, i + 2) : -1;
    const bool is_high = unit >= 0xD800 && unit <= 0xDBFF;
    if (is_high && text.compare(i + 6, 2, "\\u") == 0 && is_low(hex4(text, i + 8))) {
      i += 12;
    } else if (is_high || is_low(unit)) {
      text.replace(i, 6, "\\ufffd");
      i += 6;
    } else {
      i += 2;
    }
  }
  return text;
}

bool is_valid_id(const Json& id) { return id.is_number_integer() || id.is_string(); }

}  // namespace

Message parse_message(std::string_view body) {
  if (json_depth_exceeds(body))
    return Invalid{nullptr, RpcError::kParseError, fmt::format("JSON nested deeper than {} levels", kMaxJsonDepth)};
  if (has_nul(body)) return Invalid{nullptr, RpcError::kParseError, "the body holds a NUL byte"};
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) json = Json::parse(with_lone_surrogates_replaced(std::string(body)), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Invalid{nullptr, RpcError::kParseError, "the body is not valid JSON in UTF-8"};
  if (!json.is_object()) return Invalid{nullptr, RpcError::kInvalidRequest, "expected a JSON-RPC object"};

  const bool has_id = json.contains("id");
  Json id = has_id && is_valid_id(json["id"]) ? json["id"] : Json(nullptr);
  if (!json.contains("jsonrpc") || json["jsonrpc"] != "2.0") return Invalid{id, RpcError::kInvalidRequest, "expected \"jsonrpc\": \"2.0\""};
  if (!json.contains("method")) {
    if (has_id && (json.contains("result") || json.contains("error"))) {
      auto result = json.contains("result") ? std::optional(std::move(json["result"])) : std::nullopt;
      return Response{std::move(id), std::move(result)};
    }
    return Invalid{id, RpcError::kInvalidRequest, "neither a method nor a result"};
  }
  if (!json["method"].is_string()) return Invalid{id, RpcError::kInvalidRequest, "method: expected a string"};
  if (has_id && id.is_null()) return Invalid{id, RpcError::kInvalidRequest, "id: expected an integer or a string"};

  auto method = json["method"].get<std::string>();
  Json params = json.contains("params") ? std::move(json["params"]) : Json(nullptr);
  if (has_id) return Request{std::move(id), std::move(method), std::move(params)};
  return Notification{std::move(method), std::move(params)};
}

std::string make_result(const Json& id, Json result) { return dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}}); }

std::string make_error(const Json& id, RpcError code, std::string_view message) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", static_cast<int>(code)}, {"message", message}}}});
}

std::string make_notification(std::string_view method, Json params) {
  return dump({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

std::string make_request(const Json& id, std::string_view method, Json params) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
}

}  // namespace octet::lsp

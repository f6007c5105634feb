// JSON-RPC 2.0 as LSP uses it: from a body to a message, and from results to bodies.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

namespace octet::lsp {

using Json = nlohmann::json;

/// Error codes of JSON-RPC and LSP 3.18.
enum class RpcError : int {
  kParseError = -32700,
  kInvalidRequest = -32600,
  kMethodNotFound = -32601,
  kInvalidParams = -32602,
  kInternalError = -32603,
  kServerNotInitialized = -32002,
  kRequestCancelled = -32800,
};

struct Request {
  Json id;  // an integer or a string
  std::string method;
  Json params;
};

struct Notification {
  std::string method;
  Json params;
};

/// A client's answer to one of our requests.
struct Response {
  Json id;
  std::optional<Json> result;  // nothing: it was an error
};

/// A body that is none of these: to be answered with this error, id null where the body had none that is valid.
struct Invalid {
  Json id;
  RpcError code;
  std::string message;
};

using Message = std::variant<Request, Notification, Response, Invalid>;

/// Never throws; text nested deeper than kMaxJsonDepth is refused before it is parsed.
Message parse_message(std::string_view body);

/// Bodies. Text that is not UTF-8 is written with replacement characters.
std::string make_result(const Json& id, Json result);
std::string make_error(const Json& id, RpcError code, std::string_view message);
std::string make_notification(std::string_view method, Json params);
/// A request of the server to the client.
std::string make_request(const Json& id, std::string_view method, Json params);

}  // namespace octet::lsp

#include "lsp/access_token.h"

#include <array>
#include <utility>
#include <variant>

#include <sys/random.h>

#include <fmt/format.h>
#include <openssl/crypto.h>

namespace octet::lsp {
namespace {

constexpr std::size_t kTokenBytes = 32;

/// The parts of a message that authentication looks at; an empty method where it is none that has any.
struct Call {
  Json id = nullptr;
  std::string method;
  Json params;
};

Call call_of(Message message) {
  if (auto* request = std::get_if<Request>(&message))
    return {std::move(request->id), std::move(request->method), std::move(request->params)};
  if (auto* notification = std::get_if<Notification>(&message)) {
    return {nullptr, std::move(notification->method), std::move(notification->params)};
  }
  return {};
}

}  // namespace

Result<std::string> make_access_token() {
  std::array<unsigned char, kTokenBytes> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return fail(ErrorCode::kUnreadable, "the system gave no random bytes");
  }
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

Result<Json> check_authentication(std::string_view body, std::string_view token) {
  Call call = call_of(parse_message(body));
  if (call.method != "octet/authenticate") {
    return fail(ErrorCode::kInvalidArgument, "expected 'octet/authenticate' as the first message, found another");
  }
  const auto found = call.params.is_object() ? call.params.find("token") : call.params.end();
  if (found == call.params.end() || !found->is_string()) {
    return fail(ErrorCode::kInvalidArgument, "octet/authenticate: expected a string params.token");
  }
  const auto& claimed = found->get_ref<const std::string&>();
  if (claimed.size() != token.size() || CRYPTO_memcmp(claimed.data(), token.data(), token.size()) != 0) {
    return fail(ErrorCode::kInvalidArgument, "octet/authenticate: wrong token");
  }
  return std::move(call.id);
}

}  // namespace octet::lsp

// The token of a TCP port, and the message that tells it.
#include "lsp/access_token.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace octet::tests {
namespace {

using lsp::check_authentication;
using lsp::Json;

const std::string kToken(64, 'a');

Json message(const Json& params) { return {{"jsonrpc", "2.0"}, {"method", "octet/authenticate"}, {"params", params}}; }

}  // namespace

TEST_CASE("a token is 64 hexadecimal digits and no two are alike") {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const auto token = lsp::make_access_token();
    REQUIRE(token.has_value());
    CHECK(token->size() == 64);
    CHECK(token->find_first_not_of("0123456789abcdef") == std::string::npos);
    tokens.insert(*token);
  }
  CHECK(tokens.size() == 100);
}

TEST_CASE("the right token is taken from a notification and from a request, whose id comes back") {
  Json call = message({{"token", kToken}, {"editor", "any"}});
  const auto id_of_notification = check_authentication(call.dump(), kToken);
  REQUIRE(id_of_notification.has_value());
  CHECK(*id_of_notification == nullptr);
  for (const Json& id : {Json(0), Json("one")}) {
    call["id"] = id;
    const auto found = check_authentication(call.dump(), kToken);
    REQUIRE(found.has_value());
    CHECK(*found == id);
  }
}

TEST_CASE("a token that differs in any one digit, or in its length, is refused") {
  for (std::size_t i = 0; i < kToken.size(); ++i) {
    std::string wrong = kToken;
    wrong[i] = 'b';
    CHECK_FALSE(check_authentication(message({{"token", wrong}}).dump(), kToken).has_value());
    CHECK_FALSE(check_authentication(message({{"token", kToken.substr(0, i)}}).dump(), kToken).has_value());
  }
  CHECK_FALSE(check_authentication(message({{"token", kToken + "a"}}).dump(), kToken).has_value());
}

TEST_CASE("a refusal names its reason and quotes nothing") {
  const std::string secret = "what a client sent";
  for (const Json& params : {Json({{"token", secret}}), Json({{"token", {secret}}}), Json({secret}), Json(secret), Json(nullptr)}) {
    const auto refused = check_authentication(message(params).dump(), kToken);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("token") != std::string::npos);
    CHECK(refused.error().message.find(secret) == std::string::npos);
    CHECK(refused.error().message.find(kToken) == std::string::npos);
  }
  for (const std::string& body : {std::string(), std::string("{}"), secret, Json({{"jsonrpc", "2.0"}, {"method", secret}}).dump(),
                                  Json({{"jsonrpc", "2.0"}, {"id", 1}, {"result", kToken}}).dump()}) {
    const auto refused = check_authentication(body, kToken);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find("octet/authenticate") != std::string::npos);
    CHECK(refused.error().message.find(secret) == std::string::npos);
  }
}

}  // namespace octet::tests

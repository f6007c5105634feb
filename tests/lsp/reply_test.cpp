// The duty to answer: once, whatever happens to the Reply.
#include "lsp/reply.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Reply;
using lsp::RpcError;

struct Sent {
  std::vector<Json> bodies;
  std::function<void(std::string)> sender() {
    return [this](std::string body) { bodies.push_back(Json::parse(body)); };
  }
};

/// The signal that ends a process which runs `act`; 0 when it comes back.
int signal_of(const std::function<void()>& act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // the test runner's handler would report a failure of this test
    ::close(STDERR_FILENO);
    act();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a result is sent once with the request's id") {
  Sent sent;
  { Reply("a", sent.sender()).result({{"x", 1}}); }
  CHECK(sent.bodies == std::vector<Json>{Json::parse(R"({"jsonrpc":"2.0","id":"a","result":{"x":1}})")});
}

TEST_CASE("an error is sent once with the request's id") {
  Sent sent;
  { Reply(7, sent.sender()).error(RpcError::kMethodNotFound, "no"); }
  CHECK(sent.bodies == std::vector<Json>{Json::parse(R"({"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}})")});
}

TEST_CASE("a result of null is still a result") {
  Sent sent;
  Reply(1, sent.sender()).result(nullptr);
  REQUIRE(sent.bodies.size() == 1);
  CHECK(sent.bodies[0].contains("result"));
  CHECK(sent.bodies[0]["result"].is_null());
}

TEST_CASE("a reply that is dropped answers with an internal error, once") {
  Sent sent;
  {
    const Reply dropped(3, sent.sender());
    CHECK(sent.bodies.empty());
  }
  REQUIRE(sent.bodies.size() == 1);
  CHECK(sent.bodies[0]["id"] == 3);
  CHECK(sent.bodies[0]["error"]["code"] == -32603);
}

TEST_CASE("a reply that was moved from is silent, and the one moved to has the duty") {
  Sent sent;
  {
    Reply first(4, sent.sender());
    std::optional<Reply> last;
    {
      Reply second(std::move(first));
      last.emplace(std::move(second));
    }
    CHECK(sent.bodies.empty());
    last->result(1);
    CHECK(sent.bodies.size() == 1);
  }
  REQUIRE(sent.bodies.size() == 1);
  CHECK(sent.bodies[0]["id"] == 4);
}

TEST_CASE("a moved reply that is dropped answers once") {
  Sent sent;
  {
    Reply first(5, sent.sender());
    const Reply second(std::move(first));
  }
  REQUIRE(sent.bodies.size() == 1);
  CHECK(sent.bodies[0]["id"] == 5);
  CHECK(sent.bodies[0]["error"]["code"] == -32603);
}

TEST_CASE("a second answer is a broken contract") {
  CHECK(signal_of([] {
          Reply reply(1, [](const std::string&) {});
          reply.result(1);
        }) == 0);
  CHECK(signal_of([] {
          Reply reply(1, [](const std::string&) {});
          reply.result(1);
          reply.result(2);
        }) == SIGABRT);
  CHECK(signal_of([] {
          Reply reply(1, [](const std::string&) {});
          reply.error(RpcError::kInternalError, "");
          reply.result(2);
        }) == SIGABRT);
}

TEST_CASE("a reply cannot be copied or assigned") {
  CHECK_FALSE(std::is_copy_constructible_v<Reply>);
  CHECK_FALSE(std::is_copy_assignable_v<Reply>);
  CHECK_FALSE(std::is_move_assignable_v<Reply>);
  CHECK(std::is_nothrow_move_constructible_v<Reply>);
}

}  // namespace octet::tests

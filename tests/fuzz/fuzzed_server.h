// A server in the same process that hears anything: it must answer every request once, and write nothing but valid messages.
//
// The engine is real, its model a script. One thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "bytemodel/check.h"
#include "lsp/json_rpc.h"
#include "lsp/log.h"
#include "lsp/server.h"
#include "tests/support/scripted_runner.h"

namespace octet::tests {

class FuzzedServer {
 public:
  /// `answer`: the result of every request that the server sends.
  explicit FuzzedServer(lsp::Json answer) : answer_(std::move(answer)) {
    static const bool is_silent = lsp::open_log("off", {}).has_value();
    OCTET_CHECK(is_silent);
    lsp::Server::Environment environment;
    environment.send = [this](std::string body) { receive(body); };
    environment.loop.after = [](std::chrono::milliseconds, const std::function<void()>&) {};  // nothing takes that long
    environment.loop.post = [this](std::function<void()> run) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(run));
    };
    environment.exit = [this](int) { has_exited_ = true; };
    server_ = std::make_unique<lsp::Server>(
        std::move(environment), [open = opener(std::make_shared<ScriptedModel>("_done"))](const lsp::ModelChoice&) { return open(); });
  }

  /// Checks that every id has as many answers as it was asked.
  ~FuzzedServer() {
    request("last shutdown", "shutdown", nullptr);
    server_.reset();
    OCTET_CHECK(answers_ == asked_);
  }
  FuzzedServer(const FuzzedServer&) = delete;
  FuzzedServer& operator=(const FuzzedServer&) = delete;

  /// As a transport does: nothing after `exit`.
  void send(std::string_view body) {
    if (has_exited_) return;
    const lsp::Message message = lsp::parse_message(body);
    if (const auto* request = std::get_if<lsp::Request>(&message)) ++asked_[request->id.dump()];
    if (const auto* invalid = std::get_if<lsp::Invalid>(&message)) ++asked_[invalid->id.dump()];
    server_->on_message(body);
    while (!requests_.empty()) {
      const lsp::Json id = std::move(requests_.front());
      requests_.pop_front();
      server_->on_message(lsp::make_result(id, answer_));
    }
    run_posted();
  }

  void request(const lsp::Json& id, std::string_view method, const lsp::Json& params) { send(lsp::make_request(id, method, params)); }
  void notify(std::string_view method, const lsp::Json& params) { send(lsp::make_notification(method, params)); }

 private:
  void receive(const std::string& body) {
    const lsp::Json message = lsp::Json::parse(body, nullptr, /*allow_exceptions=*/false);
    OCTET_CHECK(message.is_object() && message.contains("jsonrpc"));
    if (!message.contains("method")) {
      OCTET_CHECK(message.contains("id") && message.contains("result") != message.contains("error"));
      ++answers_[message["id"].dump()];
    } else if (message.contains("id")) {
      requests_.push_back(message["id"]);
    }
  }

  void run_posted() {
    for (;;) {
      std::function<void()> run;
      {
        const std::lock_guard lock(mutex_);
        if (posted_.empty()) return;
        run = std::move(posted_.front());
        posted_.pop_front();
      }
      run();
    }
  }

  lsp::Json answer_;
  std::map<std::string, int> asked_;  // by the id's JSON text
  std::map<std::string, int> answers_;
  std::deque<lsp::Json> requests_;  // the server's own, which wait for an answer
  bool has_exited_ = false;

  std::mutex mutex_;
  std::deque<std::function<void()>> posted_;  // guarded by mutex_

  std::unique_ptr<lsp::Server> server_;  // last: its thread posts to the members above
};

}  // namespace octet::tests

// What the server asks of the client, and what is to happen when the answer comes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lsp/json_rpc.h"

namespace octet::lsp {

/// Main thread.
class ClientRequests {
 public:
  explicit ClientRequests(std::function<void(std::string)> send) : send_(std::move(send)) {}

  /// Nothing: the client answered with an error.
  using OnAnswer = std::function<void(const std::optional<Json>& result)>;

  void send(std::string_view method, Json params, OnAnswer on_answer) {
    const std::string id = "octet/" + std::to_string(++n_sent_);
    waiting_.emplace(id, std::move(on_answer));
    send_(make_request(id, method, std::move(params)));
  }

  /// A response that nobody waits for is dropped.
  void on_response(const Response& response) {
    if (!response.id.is_string()) return;
    auto waiting = waiting_.extract(response.id.get<std::string>());
    if (!waiting.empty()) waiting.mapped()(response.result);
  }

 private:
  std::function<void(std::string)> send_;
  std::map<std::string, OnAnswer> waiting_;
  std::uint64_t n_sent_ = 0;
};

}  // namespace octet::lsp

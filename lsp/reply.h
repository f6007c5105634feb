// The duty to answer a request, exactly once.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "bytemodel/check.h"
#include "lsp/json_rpc.h"

namespace octet::lsp {

/// Move-only. Whoever holds it answers; destroyed unanswered it answers kInternalError, answered twice it CHECKs.
class Reply {
 public:
  /// `send` takes the body of the response.
  Reply(Json id, std::function<void(std::string)> send) : id_(std::move(id)), send_(std::move(send)) {}
  Reply(Reply&& other) noexcept : id_(std::move(other.id_)), send_(std::exchange(other.send_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  Reply(const Reply&) = delete;
  ~Reply() {
    if (send_) error(RpcError::kInternalError, "the request was dropped without an answer");
  }

  void result(Json value) { answer(make_result(id_, std::move(value))); }
  void error(RpcError code, std::string_view message) { answer(make_error(id_, code, message)); }

 private:
  void answer(std::string body) {
    OCTET_CHECK(send_);
    std::exchange(send_, nullptr)(std::move(body));
  }

  Json id_;
  std::function<void(std::string)> send_;
};

}  // namespace octet::lsp

// The editor's own display of "the model is being loaded".
#pragma once

#include <cstdint>
#include <string>

#include "lsp/client_requests.h"
#include "lsp/json_rpc.h"

namespace octet::lsp {

/// Main thread. Speaks only to clients that have such a display.
class LoadProgress {
 public:
  explicit LoadProgress(ClientRequests& client, std::function<void(std::string)> send) : client_(client), send_(std::move(send)) {}

  /// What is true now; asks for a display when loading begins and takes it away when it is over.
  void set_loading(bool is_loading) {
    if (is_loading == is_loading_) return;
    is_loading_ = is_loading;
    if (!is_loading) return end();
    const std::string token = "octet/load/" + std::to_string(++n_loads_);
    client_.send("window/workDoneProgress/create", {{"token", token}}, [this, token, load = n_loads_](const std::optional<Json>& result) {
      // A load that is over by now has nothing to show.
      if (!result || !is_loading_ || load != n_loads_) return;
      shown_ = token;
      report({{"kind", "begin"}, {"title", "Octet"}, {"message", "loading the model"}, {"cancellable", false}});
    });
  }

 private:
  void end() {
    if (shown_.empty()) return;
    report({{"kind", "end"}});
    shown_.clear();
  }
  void report(Json value) { send_(make_notification("$/progress", {{"token", shown_}, {"value", std::move(value)}})); }

  ClientRequests& client_;
  std::function<void(std::string)> send_;
  bool is_loading_ = false;
  std::uint64_t n_loads_ = 0;
  std::string shown_;  // the token of the display; empty: none
};

}  // namespace octet::lsp

// The requests that wait for the engine.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "lsp/json_rpc.h"
#include "lsp/reply.h"

namespace octet::lsp {

/// Main thread. Taking a request out is the right to answer it, so each is answered once: by its completion or by its
/// cancellation, whichever comes first.
class PendingRequests {
 public:
  struct Entry {
    Reply reply;
    std::stop_source cancel;
  };

  /// False, with `entry` untouched, when a request of that id waits already.
  bool add(const Json& id, Entry&& entry) { return entries_.try_emplace(id.dump(), std::move(entry)).second; }

  std::optional<Entry> take(const Json& id) {
    auto node = entries_.extract(id.dump());
    if (node.empty()) return std::nullopt;
    return std::move(node.mapped());
  }

  /// take() for a result that arrives: only the request whose token this is, not a later one that uses its id again.
  std::optional<Entry> take(const Json& id, const std::stop_token& cancelled) {
    const auto found = entries_.find(id.dump());
    if (found == entries_.end() || found->second.cancel.get_token() != cancelled) return std::nullopt;
    return take(id);
  }

  /// Everything that waits, leaving nothing.
  std::map<std::string, Entry> take_all() { return std::exchange(entries_, {}); }

 private:
  std::map<std::string, Entry> entries_;
};

}  // namespace octet::lsp

// What the server says of itself: octet/status, and the didChangeStatus that editors know from others.
#pragma once

#include <optional>

#include "lsp/json_rpc.h"
#include "lsp/model_host.h"
#include "lsp/silence.h"
#include "lsp/statistics.h"

namespace octet::lsp {

struct Status {
  bool is_enabled = true;
  bool is_busy = false;
  std::optional<Silence> last_silence;
};

/// {state: disabled|loading|ready|unloaded|failed, model: {name, sha256, path, profile} or null, device, deviceNote, message, lastReason:
/// code or null, stats: Statistics::to_json()}
Json make_status(const Status& status, const ModelHost& model, const Statistics& statistics);

/// {busy, message, kind: Normal|Inactive|Error}
Json make_status_change(const Status& status, const ModelHost& model);

}  // namespace octet::lsp

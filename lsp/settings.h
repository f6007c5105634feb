// What the user sets: octet.enabled, octet.maxBytes and the others of README.md.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/completion.h"
#include "lsp/json_rpc.h"

namespace octet::lsp {

/// A value. What no client ever said has these defaults.
struct Settings {
  bool is_enabled = true;
  std::string model;     // a file; empty: as on the command line, or the default one
  std::string device;    // auto, cpu or cuda; empty: as on the command line
  unsigned threads = 0;  // 0: as on the command line
  std::size_t max_bytes = 256;
  engine::Multiline multiline = engine::Multiline::kAuto;
  int debounce_ms = 0;                                   // how long an automatic request waits for a newer one
  std::vector<std::string> disabled_languages;           // language ids
  std::vector<std::string> disabled_globs;               // over absolute paths, or paths in the workspace
  double min_confidence = engine::kEditorMinConfidence;  // completions end before the word that is less sure
  int idle_unload_minutes = 30;                          // without a request; 0: the model stays
  std::string log_level;                                 // empty: as on the command line
  bool has_workspace_memory = true;

  bool operator==(const Settings&) const = default;
};

/// The limits of the numbers above.
inline constexpr std::size_t kMaxCompletionBytes = 4096;
inline constexpr int kMaxDebounceMs = 5000;
inline constexpr int kMaxIdleUnloadMinutes = 7 * 24 * 60;
inline constexpr unsigned kMaxThreads = 1024;

/// The options of `initialize` that concern the server: those under `octet` where there are some, else all. Null where there are none.
Json initial_settings(const Json& initialize_params);

/// Overrides what `section` sets ({"maxBytes": 64, ...}); null sets nothing, alone or as a value. Returns what cannot be used and why,
/// one line each; such a value is left as it was.
std::vector<std::string> apply_settings(const Json& section, Settings& settings);

}  // namespace octet::lsp

#include "lsp/xdg_folders.h"

#include <cstdlib>

namespace octet::lsp {
namespace {

namespace fs = std::filesystem;

/// The absolute path that a variable holds, or nothing.
fs::path folder_of(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && fs::path(value).is_absolute() ? fs::path(value) : fs::path();
}

fs::path own_folder(const char* variable, const char* place_at_home) {
  if (const fs::path base = folder_of(variable); !base.empty()) return base / "octet";
  const fs::path home = folder_of("HOME");
  return home.empty() ? fs::path() : home / place_at_home / "octet";
}

}  // namespace

fs::path cache_folder() { return own_folder("XDG_CACHE_HOME", ".cache"); }

fs::path state_folder() { return own_folder("XDG_STATE_HOME", ".local/state"); }

}  // namespace octet::lsp

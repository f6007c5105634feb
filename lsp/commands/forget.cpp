// octet forget: removes what the memory of a workspace left on the disk.
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "engine/memory/memory_store.h"
#include "engine/memory/workspace_files.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"

namespace octet::lsp {
namespace {

namespace fs = std::filesystem;

int report(const Error& error) {
  write_error(fmt::format("octet forget: {}\n", error.message));
  return kExitFailed;
}

int say(const std::string& line) { return write_output(line + "\n") ? kExitDone : kExitFailed; }

std::string in_mb(std::uint64_t n_bytes) { return fmt::format("{:.1f} MB", static_cast<double>(n_bytes) / 1e6); }

int forget_all(const fs::path& stores) {
  const std::uint64_t n_bytes = engine::count_stores(stores).n_bytes;
  const auto removed = engine::forget_all(stores);
  if (!removed) return report(removed.error());
  if (*removed == 0) return say(fmt::format("nothing is remembered at {}", stores.string()));
  return say(fmt::format("forgot {} workspace{}, {} at {}", *removed, *removed == 1 ? "" : "s", in_mb(n_bytes), stores.string()));
}

}  // namespace

int run_forget(const ForgetCommand& command) {
  const fs::path stores = engine::memory_folder();
  if (stores.empty()) return report({ErrorCode::kNotFound, "no folder for the workspace memory: neither XDG_CACHE_HOME nor HOME is set"});
  if (command.all) return forget_all(stores);

  std::error_code error;
  fs::path root = fs::absolute(command.folder, error);  // it may be gone: what is remembered of it need not stay
  if (command.folder.empty()) {
    const fs::path here = fs::current_path(error);
    root = engine::find_workspace_root(here / "any").value_or(here);
  }
  if (error) return report({ErrorCode::kUnreadable, fmt::format("the current folder: {}", error.message())});
  const engine::MemoryStore store(stores, root);
  const std::uintmax_t n_bytes = fs::file_size(store.file(), error);
  const bool is_there = !error;
  if (const auto forgotten = store.forget(); !forgotten) return report(forgotten.error());
  if (!is_there) return say(fmt::format("nothing is remembered of {}", root.string()));
  return say(fmt::format("forgot {}, {} at {}", root.string(), in_mb(n_bytes), store.file().string()));
}

}  // namespace octet::lsp

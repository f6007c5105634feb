// octet doctor: can this machine complete code, and if not, why.
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/completer.h"
#include "engine/memory/memory_store.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/version.h"
#include "lsp/xdg_folders.h"

namespace octet::lsp {
namespace {

struct Check {
  std::string name;
  bool ok;
  std::string detail;
};

/// Completes a fixed text drafted and plainly: the texts must be equal.
Check self_test(std::unique_ptr<engine::ModelRunner> runner) {
  engine::CompletionRequest request;
  request.document.path = "src/shape.py";
  request.document.text = std::make_shared<const std::string>(
      "class Circle:\n    def __init__(self, radius):\n        self.radius = radius\n\n    def area(self):\n        return ");
  request.cursor = request.document.text->size();
  request.limits.max_bytes = 64;
  request.raw = true;
  engine::Completer completer(std::move(runner));
  const auto drafted = completer.complete(request, {}, {});
  request.use_draft = false;
  const auto plain = completer.complete(request, {}, {});
  if (drafted.stop_reason == engine::StopReason::kModelFailure) {
    return {"self-test", false, "the model gives no text that could be shown: its probabilities are no numbers"};
  }
  if (drafted.text != plain.text) {
    return {"self-test", false, fmt::format("drafted text '{}' differs from plain text '{}'", drafted.text, plain.text)};
  }
  return {"self-test", true,
          fmt::format("drafted and plain text agree; {} bytes in {} steps, decoding {:.0f} ms drafted, {:.0f} ms plain",
                      drafted.text.size(), drafted.counts.steps, drafted.times.decode, plain.times.decode)};
}

/// Where octet's own files are. Nothing here keeps octet from completing.
Check folders() {
  const auto place = [](const std::filesystem::path& folder, const char* variable) {
    return folder.empty() ? fmt::format("nowhere (neither {} nor HOME is set)", variable) : folder.string();
  };
  return {"folders", true,
          fmt::format("cache {}, state {}", place(cache_folder(), "XDG_CACHE_HOME"), place(state_folder(), "XDG_STATE_HOME"))};
}

/// Nothing here keeps octet from completing.
Check stored_memory() {
  const auto folder = engine::memory_folder();
  if (folder.empty()) return {"memory", true, "not kept on the disk: neither XDG_CACHE_HOME nor HOME is set"};
  const auto [n_stores, n_bytes] = engine::count_stores(folder);
  return {"memory", true,
          fmt::format("{} workspace{} in {:.1f} MB at {}", n_stores, n_stores == 1 ? "" : "s", static_cast<double>(n_bytes) / 1e6,
                      folder.string())};
}

}  // namespace

int run_doctor(const Options& options, const DoctorCommand& command) {
  if (command.network) return run_doctor_network(command);
  std::vector<Check> checks;
  auto model = engine::open_runner(options.runner);
  if (model) {
    const auto& info = model->info;
    std::string device = fmt::format("{}, {} kernels, profile {}, {} thread{}", info.device, info.isa, info.profile, info.threads,
                                     info.threads == 1 ? "" : "s");
    if (info.gpu_bytes > 0) {
      device += fmt::format(", {:.0f} MB of GPU memory, long prompts by {}", static_cast<double>(info.gpu_bytes) / 1e6,
                            info.has_cublas ? "cuBLASLt" : "own kernels");
    }
    if (!info.device_note.empty()) device += fmt::format(" ({})", info.device_note);
    if (options.runner.device == "cuda" && info.device != "cuda") device = "cuda was asked for, found " + device;
    checks.push_back({"device", options.runner.device != "cuda" || info.device == "cuda", std::move(device)});
    checks.push_back(
        {"model", true, fmt::format("{} at {}, sha256 {}, loaded in {:.0f} ms", info.name, info.path.string(), info.sha256, info.load_ms)});
    checks.push_back(self_test(std::move(model->runner)));
  } else {
    checks.push_back({"model", false, model.error().message});
  }
  checks.push_back(folders());
  checks.push_back(stored_memory());

  bool ok = true;
  std::string text;
  nlohmann::ordered_json json{{"version", kVersion}, {"ok", true}, {"checks", nlohmann::ordered_json::array()}};
  for (const Check& check : checks) {
    ok = ok && check.ok;
    json["checks"].push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
    text += fmt::format("{:<6} {:<10} {}\n", check.ok ? "ok" : "FAILED", check.name, check.detail);
  }
  json["ok"] = ok;
  if (command.json) text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return write_output(text) && ok ? kExitDone : kExitFailed;
}

}  // namespace octet::lsp

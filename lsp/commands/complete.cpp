// octet complete: one completion of a file on disk.
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "engine/completer.h"
#include "engine/memory/memory_store.h"
#include "engine/memory/workspace_files.h"
#include "engine/memory/workspace_index.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/commands/source_file.h"

namespace octet::lsp {
namespace {

int report(const Error& error) {
  write_error(fmt::format("octet complete: {}\n", error.message));
  return kExitFailed;
}

struct Workspace {
  std::filesystem::path root;  // empty: none
  std::string document_path;
};

Result<Workspace> find_workspace(const CompleteCommand& command) {
  std::error_code error;
  const std::filesystem::path file = std::filesystem::canonical(command.file, error);
  Workspace workspace;
  workspace.document_path = file.string();
  if (command.workspace == "none") return workspace;
  if (command.workspace.empty()) {
    workspace.root = engine::find_workspace_root(file).value_or("");
  } else {
    workspace.root = std::filesystem::canonical(command.workspace, error);
    if (error || !std::filesystem::is_directory(workspace.root, error)) {
      return fail(ErrorCode::kNotFound, fmt::format("--workspace: expected a folder or none, found '{}'", command.workspace));
    }
  }
  if (!workspace.root.empty()) workspace.document_path = file.lexically_proximate(workspace.root).string();
  return workspace;
}

/// What the index of the workspace holds when all of it was read; without one the document remembers itself.
std::shared_ptr<const engine::WorkspaceSnapshot> remember(const Workspace& workspace) {
  if (workspace.root.empty()) return std::make_shared<const engine::WorkspaceSnapshot>();
  engine::WorkspaceIndex index({.root = workspace.root, .store_folder = engine::memory_folder()});
  index.wait_until_idle();
  return index.snapshot();
}

nlohmann::ordered_json to_json(const std::vector<engine::SourceRun>& sources) {
  auto json = nlohmann::ordered_json::array();
  for (const auto& run : sources)
    json.push_back({{"bytes", run.n_bytes}, {"source", engine::to_string(run.source)}, {"origin", run.origin}});
  return json;
}

nlohmann::ordered_json to_json(const CompleteCommand& command, const engine::CompletionResult& result, const engine::ModelInfo& model,
                               const engine::ModelRunner& runner) {
  nlohmann::ordered_json json{{"text", result.text},
                              {"stop_reason", engine::to_string(result.stop_reason)},
                              {"prompt_bytes", result.counts.prompt_bytes},
                              {"reused_bytes", result.counts.reused_bytes},
                              {"steps", result.counts.steps},
                              {"drafted", result.counts.drafted},
                              {"accepted", result.counts.accepted},
                              {"bytes", result.text.size()},
                              {"confidence", result.confidence},
                              {"sources", to_json(result.sources)},
                              {"device", runner.device()},
                              {"device_note", result.trouble.empty() ? model.device_note : result.trouble},
                              {"isa", runner.isa()},
                              {"profile", model.profile},
                              {"ms",
                               {{"load", model.load_ms},
                                {"context", result.times.context + result.times.syntax},
                                {"prefill", result.times.prefill},
                                {"decode", result.times.decode},
                                {"first_byte", result.times.first_byte},
                                {"total", result.times.total}}},
                              {"model", {{"name", model.name}, {"sha256", model.sha256}}}};
  if (command.alternatives > 1) json["alternatives"] = result.alternatives;
  return json;
}

}  // namespace

int run_complete(const Options& options, const CompleteCommand& command) {
  auto text = read_source(command.file);
  if (!text) return report(text.error());
  const auto cursor = find_cursor(*text, command.line, command.column);
  if (!cursor) return report(cursor.error());
  const auto workspace = find_workspace(command);
  if (!workspace) return report(workspace.error());
  auto model = engine::open_runner(options.runner);
  if (!model) return report(model.error());

  engine::CompletionRequest request;
  request.document.uri = command.file.string();
  request.document.path = command.file.string();
  request.document.text = std::make_shared<const std::string>(std::move(*text));
  request.cursor = *cursor;
  if (command.workspace != "none") request.workspace = remember(*workspace);
  request.workspace_path = workspace->document_path;
  request.limits.max_bytes = command.max_bytes;
  request.multiline = command.multiline;
  request.raw = command.raw;
  request.use_draft = command.use_draft;
  request.alternatives = command.alternatives;

  engine::Completer completer(std::move(model->runner), std::move(model->costs), nullptr, std::move(model->mixer));
  bool is_written = true;
  const auto stream = [&](std::string_view piece) {
    if (!command.json) is_written = write_output(piece) && is_written;
  };
  const auto result = completer.complete(request, {}, stream);
  if (result.stop_reason == engine::StopReason::kModelFailure) {
    return report({ErrorCode::kUnsupported, fmt::format("{}: the model's output is not a number", model->info.path.string())});
  }
  if (options.runner.device == "cuda" && std::string_view(completer.runner().device()) != "cuda") {
    spdlog::warn("{}", result.trouble.empty() ? model->info.device_note : result.trouble);
  }
  std::string rest = command.json ? to_json(command, result, model->info, completer.runner()).dump(2) + "\n" : "\n";
  if (!command.json) {
    for (const std::string& alternative : result.alternatives) rest += fmt::format("--- or\n{}\n", alternative);
  }
  return write_output(rest) && is_written ? kExitDone : kExitFailed;
}

}  // namespace octet::lsp

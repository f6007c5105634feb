// octet complete: one completion of a file on disk.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "engine/completer.h"
#include "lsp/commands/commands.h"
#include "lsp/commands/output.h"
#include "lsp/commands/source_file.h"

namespace octet::lsp {
namespace {

int report(const Error& error) {
  write_error(fmt::format("octet complete: {}\n", error.message));
  return kExitFailed;
}

nlohmann::ordered_json to_json(const CompleteCommand& command, const engine::CompletionResult& result, const engine::ModelInfo& model) {
  nlohmann::ordered_json json{{"text", result.text},
                              {"stop_reason", engine::to_string(result.stop_reason)},
                              {"prompt_bytes", result.counts.prompt_bytes},
                              {"reused_bytes", result.counts.reused_bytes},
                              {"steps", result.counts.steps},
                              {"drafted", result.counts.drafted},
                              {"accepted", result.counts.accepted},
                              {"bytes", result.text.size()},
                              {"confidence", result.confidence},
                              {"device", model.device},
                              {"isa", model.isa},
                              {"profile", model.profile},
                              {"ms",
                               {{"load", model.load_ms},
                                {"context", result.times.context},
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
  auto model = engine::open_runner(options.runner);
  if (!model) return report(model.error());

  engine::CompletionRequest request;
  request.document.uri = command.file.string();
  request.document.path = command.file.string();
  request.document.text = std::make_shared<const std::string>(std::move(*text));
  request.cursor = *cursor;
  request.limits.max_bytes = command.max_bytes;
  request.multiline = command.multiline;
  request.raw = command.raw;
  request.use_draft = command.use_draft;
  request.alternatives = command.alternatives;

  engine::Completer completer(std::move(model->runner), std::move(model->costs));
  bool is_written = true;
  const auto stream = [&](std::string_view piece) {
    if (!command.json) is_written = write_output(piece) && is_written;
  };
  const auto result = completer.complete(request, {}, stream);
  if (result.stop_reason == engine::StopReason::kModelFailure) {
    return report({ErrorCode::kUnsupported, fmt::format("{}: the model's output is not a number", model->info.path.string())});
  }
  std::string rest = command.json ? to_json(command, result, model->info).dump(2) + "\n" : "\n";
  if (!command.json) {
    for (const std::string& alternative : result.alternatives) rest += fmt::format("--- or\n{}\n", alternative);
  }
  return write_output(rest) && is_written ? kExitDone : kExitFailed;
}

}  // namespace octet::lsp

#include "benchmarks/latency/export_trace.h"

#include <fstream>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "benchmarks/latency/lsp_server.h"
#include "benchmarks/latency/repetition.h"
#include "benchmarks/report.h"

namespace octet::benchmarks {
namespace {

/// What the server offers behind each key, unhurried.
Result<std::map<std::size_t, std::string>> answers_of(const std::string& command, const Trace& trace) {
  const auto server = make_lsp_server({command, {}, {}, {{"streaming", true}}});
  if (const auto warm = start_and_warm(*server, trace); !warm) return tl::unexpected(warm.error());
  open_documents(*server, trace);
  const auto records = play_unhurried({server.get()}, trace);
  if (!records) return tl::unexpected(records.error());
  server->stop();
  std::map<std::size_t, std::string> answers;
  for (const KeyRecord& record : records->front()) answers[record.event_idx] = record.text;
  return answers;
}

std::string prompts_of(const Trace& trace, const std::map<std::size_t, std::string>& answers) {
  std::string lines;
  TraceDocuments documents(trace);
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    documents.apply(event);
    if (!event.is_key) continue;
    const TraceFile& file = trace.files[event.file_idx];
    const std::string& text = documents.text(event.file_idx);
    nlohmann::ordered_json line{{"event", i},
                                {"at_ms", event.at_ms},
                                {"path", file.path},
                                {"language", file.language},
                                {"prefix", text.substr(0, event.cursor)},
                                {"suffix", text.substr(event.cursor)}};
    if (answers.contains(i)) line["answer"] = answers.at(i);
    lines += line.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + '\n';
  }
  return lines;
}

bool write(const std::filesystem::path& path, const std::string& text) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (file.flush()) return true;
  print(stderr, "octet-bench export-trace: cannot write {}\n", path.string());
  return false;
}

}  // namespace

int run_export_trace(const ExportTraceOptions& options) {
  const auto failed = [](const std::string& message) { return print(stderr, "octet-bench export-trace: {}\n", message), 1; };
  const auto trace = typed_again(options.typing);
  if (!trace) return failed(trace.error().message);
  std::map<std::size_t, std::string> answers;
  if (!options.server.empty()) {
    auto answered = answers_of(options.server, *trace);
    if (!answered) return failed(answered.error().message);
    answers = std::move(*answered);
  }
  if (!write(options.trace, to_json_lines(*trace)) || !write(options.prompts, prompts_of(*trace, answers))) return 1;
  print(stdout, "{} keys in {} files, {:.0f} s of typing\n", trace->n_keys(), trace->files.size(), 1e-3 * trace->events.back().at_ms);
  return 0;
}

}  // namespace octet::benchmarks

#include "benchmarks/latency/latency_bench.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "benchmarks/latency/infill_server.h"
#include "benchmarks/latency/lsp_server.h"
#include "benchmarks/latency/repetition.h"
#include "benchmarks/latency/text_check.h"
#include "benchmarks/latency/typing.h"
#include "benchmarks/page/page.h"
#include "benchmarks/report.h"
#include "engine/model/thread_team.h"

namespace octet::benchmarks {
namespace {

using Json = nlohmann::ordered_json;

/// A folder of this process's own, gone at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "octet-bench-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

struct ServerChoice {
  std::string where;  // a command, or a URL
  bool is_infill = false;
};

class LatencyBench {
 public:
  LatencyBench(const LatencyOptions& options, std::vector<ServerChoice> servers, Trace trace)
      : options_(options), servers_(std::move(servers)), trace_(std::move(trace)), repetitions_(servers_.size()) {}

  /// Each repetition another server is the first one: of two equal ones the second was 1.5 to 4 % faster.
  Result<void> run() {
    const std::size_t n_servers = servers_.size();
    for (std::size_t i = 0; i < options_.repetitions; ++i) {
      print(stderr, "\rrepetition {} of {} ", i + 1, options_.repetitions);
      std::vector<std::unique_ptr<ServerUnderTest>> servers;
      std::vector<ServerUnderTest*> in_turn;
      for (std::size_t turn = 0; turn < n_servers; ++turn) {
        servers.push_back(make_server((i + turn) % n_servers, idle_forever()));
        in_turn.push_back(servers.back().get());
      }
      auto repetitions = run_repetition(in_turn, trace_, options_.speed);
      if (!repetitions) return tl::unexpected(repetitions.error());
      for (std::size_t turn = 0; turn < n_servers; ++turn) repetitions_[(i + turn) % n_servers].push_back(std::move((*repetitions)[turn]));
    }
    print(stderr, "\r{:60}\r", "");
    return {};
  }

  /// Prints and returns what server `server_idx` did.
  Result<Json> report(std::size_t server_idx) {
    const std::vector<Repetition>& repetitions = repetitions_[server_idx];
    // Others' texts may well depend on time.
    const bool is_octet = repetitions.front().server.value("name", "") == "octet";
    auto check =
        check_texts(is_octet ? repetitions : std::vector<Repetition>(), trace_, [&] { return make_server(server_idx, idle_forever()); });
    if (!check) return tl::unexpected(check.error());
    const std::vector<Figure> figures = figures_of(repetitions);
    Json result{{"verb", "latency"},
                {"run", run_},
                {"environment", environment(repetitions.front().server.value("device", nlohmann::json()).is_string()
                                                ? repetitions.front().server.value("device", "")
                                                : "unknown",
                                            engine::usable_cores())},
                {"server", repetitions.front().server},
                {"trace", {{"files", file_paths()}, {"keys", trace_.n_keys()}, {"speed", options_.speed}, {"hash", hash_of(trace_)}}},
                {"workspace", options_.workspace},
                {"text_hash", check->hash},
                {"texts_wrong", check->wrong.size()},
                {"figures", to_json(figures)},
                {"stages_ms", stages(repetitions)},
                {"keys", keys(repetitions)}};
    if (options_.wake) {
      const auto wake = measure_wake(*make_server(server_idx, {{"idleUnload", 1}}), trace_);
      if (!wake) return tl::unexpected(wake.error());
      result["wake_ms"] = *wake;
    }
    print_report(result, figures, *check);
    return result;
  }

 private:
  static Json idle_forever() { return {{"idleUnload", 0}}; }

  std::unique_ptr<ServerUnderTest> make_server(std::size_t server_idx, const Json& settings) const {
    if (servers_[server_idx].is_infill)
      return *make_infill_server(servers_[server_idx].where, nlohmann::json::parse(options_.infill_options));
    LspServerOptions server;
    server.command = servers_[server_idx].where;
    server.workspace = options_.workspace == "none" ? "" : options_.workspace;
    server.home = home_.path();
    server.settings = settings;
    server.settings["streaming"] = true;
    return make_lsp_server(std::move(server));
  }

  Json file_paths() const {
    Json paths = Json::array();
    for (const TraceFile& file : trace_.files) paths.push_back(file.path);
    return paths;
  }

  /// Medians over the completions that were computed for unhurried keys; `rest` is the protocol, the server's own work and waiting.
  static Json stages(const std::vector<Repetition>& repetitions) {
    std::map<std::string, std::vector<double>> ms;
    for (const Repetition& repetition : repetitions) {
      for (const KeyRecord& key : repetition.unhurried) {
        if (!key.completion.is_object()) continue;
        const auto& stage_ms = key.completion.at("ms");
        for (const char* stage : {"context", "syntax", "prefill", "decode"}) ms[stage].push_back(stage_ms.at(stage));
        ms["rest"].push_back(key.whole_ms - stage_ms.at("total").get<double>());
      }
    }
    Json medians = Json::object();
    for (const auto& [stage, values] : ms) medians[stage] = median(values);
    return medians;
  }

  /// The unhurried keys of all repetitions together.
  Json keys(const std::vector<Repetition>& repetitions) const {
    Json all = Json::array();
    TraceDocuments documents(trace_);
    std::size_t next = 0;
    for (std::size_t i = 0; i < repetitions.front().unhurried.size(); ++i) {
      const KeyRecord& key = repetitions.front().unhurried[i];
      for (; next <= key.event_idx; ++next) documents.apply(trace_.events[next]);
      const TraceEvent& event = trace_.events[key.event_idx];
      const std::string& text = documents.text(event.file_idx);
      const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(event.cursor), '\n');
      Json entry{{"file", trace_.files[event.file_idx].path}, {"line", line},     {"cursor", event.cursor},
                 {"outcome", to_string(key.outcome)},         {"text", key.text}, {"from_memory", key.is_from_memory}};
      if (key.positions_computed >= 0) entry["positions_computed"] = key.positions_computed;
      if (key.completion.is_object()) {
        entry["steps"] = key.completion.at("steps");
        entry["bytes"] = key.completion.at("steps").get<std::size_t>() + key.completion.at("accepted").get<std::size_t>();
      }
      for (const Repetition& repetition : repetitions) {
        if (i >= repetition.unhurried.size()) break;
        const KeyRecord& record = repetition.unhurried[i];
        entry["first_ms"].push_back(record.outcome == Outcome::kText ? Json(record.first_ms) : Json(nullptr));
        entry["whole_ms"].push_back(record.whole_ms);
      }
      all.push_back(std::move(entry));
    }
    return all;
  }

  static void print_report(const Json& result, const std::vector<Figure>& figures, const TextCheck& check) {
    const Json& server = result.at("server");
    print(stdout, "{} {} ({}), {} keys in {} files\n", server.value("name", ""), server.value("version", ""), server.value("command", ""),
          result.at("trace").at("keys").get<std::size_t>(), result.at("trace").at("files").size());
    print(stdout, "{:<34}{:>12} {:<10}{:>10}   {}\n", "", "median", "", "deviation", "of the repetitions");
    for (const Figure& figure : figures) {
      const std::size_t n_outliers = figure.kind == "time" ? outliers(figure.values).size() : 0;
      print(stdout, "{:<34}{:>12.3f} {:<10}{:>10.3f}{}\n", figure.name, median(figure.values), figure.unit, deviation(figure.values),
            n_outliers > 0 ? fmt::format("   {} far off", n_outliers) : "");
    }
    for (const auto& [stage, ms] : result.at("stages_ms").items()) print(stdout, "stage {:<28}{:>12.3f} ms\n", stage, ms.get<double>());
    if (result.contains("wake_ms")) print(stdout, "{:<34}{:>12.3f} ms\n", "wake_ms", result.at("wake_ms").get<double>());
    if (check.hash.empty()) {
      print(stdout, "what its texts should be is not known\n");
    } else {
      print(stdout, "texts {} ({} answers looked at, {} asked again)\n", check.hash.substr(0, 16), check.n_texts, check.n_asked_again);
    }
    for (const std::string& wrong : check.wrong) print(stdout, "wrong: {}\n", wrong);
    if (!check.wrong.empty()) print(stdout, "this run is void: its texts are wrong\n");
  }

  const LatencyOptions& options_;
  std::vector<ServerChoice> servers_;
  Trace trace_;
  TemporaryFolder home_;
  std::string run_ = fmt::format("{:08x}", std::random_device()());  // the servers of one run took turns
  std::vector<std::vector<Repetition>> repetitions_;                 // by server
};

/// The octet that lies beside this program.
std::string default_command() {
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::string octet = error ? "octet" : (own.parent_path() / "octet").string();
  return "'" + octet + "' lsp --stdio";
}

}  // namespace

int run_latency(const LatencyOptions& options) {
  const auto failed = [](const std::string& message) { return print(stderr, "octet-bench latency: {}\n", message), 1; };
  std::vector<ServerChoice> servers;
  for (const std::string& command : options.servers) servers.push_back({command, /*is_infill=*/false});
  if (!options.infill.empty()) {
    if (const auto server = make_infill_server(options.infill, {}); !server) return failed(server.error().message);
    if (!nlohmann::json::parse(options.infill_options, nullptr, /*allow_exceptions=*/false).is_object())
      return failed("--infill-options: expected a JSON object, found " + options.infill_options);
    servers.push_back({options.infill, /*is_infill=*/true});
  }
  if (servers.empty()) servers.push_back({default_command(), /*is_infill=*/false});
  for (const auto& [name, paths] : {std::pair{"--json", &options.json}, {"--html", &options.html}}) {
    if (paths->empty() || paths->size() == servers.size()) continue;
    print(stderr, "octet-bench latency: expected as many {} as servers ({}), found {}\n", name, servers.size(), paths->size());
    return 2;
  }
  if (options.files.empty() == options.trace.empty()) {
    print(stderr, "octet-bench latency: expected either --files or --trace\n");
    return 2;
  }
  auto trace = options.trace.empty() ? typed_again({options.files, options.keys, options.seed}) : read_trace(options.trace);
  if (!trace) return failed(trace.error().message);

  LatencyBench bench(options, servers, std::move(*trace));
  if (const auto ran = bench.run(); !ran) return failed(ran.error().message);
  bool is_void = false;
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const auto result = bench.report(i);
    if (!result) return failed(result.error().message);
    is_void = is_void || result->at("texts_wrong").get<std::size_t>() > 0;
    if (!options.json.empty() && !write_json(options.json[i], *result, "latency")) return 1;
    if (!options.html.empty() && !write_page(options.html[i], *result, "latency")) return 1;
  }
  return is_void ? 1 : 0;
}

}  // namespace octet::benchmarks

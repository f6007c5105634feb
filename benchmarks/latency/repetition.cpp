#include "benchmarks/latency/repetition.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "benchmarks/latency/process_figures.h"

namespace octet::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRest{1};
constexpr std::chrono::seconds kUnloadPatience{100};
constexpr std::chrono::milliseconds kGlance{500};
/// A server that has begun to index a workspace or to load is at rest once it has computed for less than this in a glance.
constexpr double kRestCpuMs = 5;

constexpr std::size_t kCancelStride = 3;

/// Few, so that chance has few chances, and none that single slow keys decide.
constexpr std::array<std::string_view, 6> kJudged{"unhurried.key_ms", "unhurried.cpu_ms_per_key",         "ready_ms",
                                                  "rss_bytes",        "unhurried.positions_computed.p95", "unhurried.from_memory"};

double ms_since(TimePoint start) { return std::chrono::duration<double, std::milli>(Clock::now() - start).count(); }

Result<void> wait_for_rest(ServerUnderTest& server) {
  if (server.process_id() == 0) return {};
  for (double before = cpu_ms(server.process_id());;) {
    if (const auto ran = server.run_until(Clock::now() + kGlance, [] { return false; }); !ran) return ran;
    const double now = cpu_ms(server.process_id());
    if (now - before < kRestCpuMs) return {};
    before = now;
  }
}

/// Asks at the first key, again and again, until something was computed: a model that is being loaded answers nothing.
Result<void> ask_until_ready(ServerUnderTest& server, const Trace& trace) {
  const auto first = std::ranges::find_if(trace.events, [](const TraceEvent& event) { return event.is_key; });
  const TimePoint deadline = Clock::now() + kUnloadPatience;
  while (true) {
    const auto answer = ask_alone(server, trace, static_cast<std::size_t>(first - trace.events.begin()));
    if (!answer) return tl::unexpected(answer.error());
    if (answer->outcome == Outcome::kFailed) return fail(ErrorCode::kUnreadable, "the first key's answer is " + answer->error);
    if (const auto info = server.info(); info.value("state", "") == "failed")
      return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", info.value("command", ""), info.value("message", "it has failed")));
    const auto counters = server.counters();
    if (answer->outcome == Outcome::kText || !counters || (counters->contains("completions") && counters->at("completions") > 0)) return {};
    if (Clock::now() > deadline) return fail(ErrorCode::kUnreadable, "nothing was computed for the first key");
  }
}

std::vector<double> times(const std::vector<KeyRecord>& records, const std::function<bool(const KeyRecord&)>& counts,
                          double KeyRecord::*time) {
  std::vector<double> found;
  for (const KeyRecord& record : records) {
    if (counts(record)) found.push_back(record.*time);
  }
  return found;
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

/// From the start to a server at rest, with the documents open.
Result<void> prepare(ServerUnderTest& server, const Trace& trace, Repetition& repetition) {
  const TimePoint start = Clock::now();
  if (auto started = server.start(); !started) return started;
  repetition.start_ms = ms_since(start);
  if (auto ready = ask_until_ready(server, trace); !ready) return ready;
  repetition.ready_ms = ms_since(start);
  if (auto rested = wait_for_rest(server); !rested) return rested;
  open_documents(server, trace);
  return {};
}

/// What is done with each server alone: typing, cancels, rest.
Result<void> finish(ServerUnderTest& server, const Trace& trace, double speed, Repetition& repetition) {
  open_documents(server, trace);
  const Counters before = server.counters().value_or(Counters());
  const double cpu_before = cpu_ms(server.process_id());
  auto typing = play_typing(server, trace, speed);
  if (!typing) return tl::unexpected(typing.error());
  repetition.typing = std::move(*typing);
  repetition.typing_cpu_ms = cpu_ms(server.process_id()) - cpu_before;
  for (const auto& [name, value] : server.counters().value_or(Counters())) {
    repetition.typing_counters[name] = value - (before.contains(name) ? before.at(name) : 0);
  }

  open_documents(server, trace);
  auto cancelled = play_cancelled(server, trace, kCancelStride);
  if (!cancelled) return tl::unexpected(cancelled.error());
  repetition.cancel_ms = std::move(*cancelled);

  if (auto rested = wait_for_rest(server); !rested) return rested;
  const double resting = cpu_ms(server.process_id());
  if (auto ran = server.run_until(Clock::now() + kRest, [] { return false; }); !ran) return ran;
  repetition.rest_cpu_share = (cpu_ms(server.process_id()) - resting) / std::chrono::duration<double, std::milli>(kRest).count();
  repetition.rss_bytes = rss_bytes(server.process_id());
  repetition.peak_rss_bytes = peak_rss_bytes(server.process_id());
  repetition.server = server.info();
  server.stop();
  return {};
}

/// The geometric mean, which a few keys that others' work has hit hardly move.
double typical(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value) / static_cast<double>(values.size());
  return values.empty() ? 0 : std::exp(sum);
}

bool is_computed(const KeyRecord& record) {
  return (record.outcome == Outcome::kText && !record.is_from_memory) || record.outcome == Outcome::kNothing;
}
bool is_computed_text(const KeyRecord& record) { return record.outcome == Outcome::kText && !record.is_from_memory; }
bool is_remembered_text(const KeyRecord& record) { return record.outcome == Outcome::kText && record.is_from_memory; }
bool is_text(const KeyRecord& record) { return record.outcome == Outcome::kText; }
bool is_nothing(const KeyRecord& record) { return record.outcome == Outcome::kNothing; }

class FigureTable {
 public:
  explicit FigureTable(const std::vector<Repetition>& repetitions) : repetitions_(repetitions) {}

  template <class Value>
  void add(std::string name, std::string unit, std::string better, std::string kind, const Value& value) {
    Figure figure{std::move(name), std::move(unit), std::move(better), std::move(kind), /*is_judged=*/false, {}};
    for (const Repetition& repetition : repetitions_) figure.values.push_back(value(repetition));
    figures_.push_back(std::move(figure));
  }

  void add_times(const std::string& name, std::vector<KeyRecord> Repetition::*records, bool (*counts)(const KeyRecord&),
                 double KeyRecord::*time, std::initializer_list<int> percents) {
    const auto has_one = [&](const Repetition& repetition) { return !times(repetition.*records, counts, time).empty(); };
    if (!std::ranges::all_of(repetitions_, has_one)) return;  // of nothing there is no percentile
    for (const int percent : percents) {
      add(fmt::format("{}.p{}", name, percent), "ms", "less", "time",
          [&](const Repetition& repetition) { return percentile(times(repetition.*records, counts, time), 0.01 * percent); });
    }
  }

  std::vector<Figure> take() {
    std::erase_if(figures_, [](const Figure& figure) { return figure.values.empty(); });
    for (Figure& figure : figures_) figure.is_judged = std::ranges::find(kJudged, figure.name) != kJudged.end();
    return std::move(figures_);
  }

 private:
  const std::vector<Repetition>& repetitions_;
  std::vector<Figure> figures_;
};

}  // namespace

Result<void> start_and_warm(ServerUnderTest& server, const Trace& trace) {
  if (auto started = server.start(); !started) return started;
  return ask_until_ready(server, trace);
}

Result<std::vector<Repetition>> run_repetition(const std::vector<ServerUnderTest*>& servers, const Trace& trace, double speed) {
  std::vector<Repetition> repetitions(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (const auto prepared = prepare(*servers[i], trace, repetitions[i]); !prepared) return tl::unexpected(prepared.error());
  }
  if (const auto warm = play_unhurried(servers, trace); !warm) return tl::unexpected(warm.error());
  std::vector<double> cpu_at_first;
  for (ServerUnderTest* server : servers) {
    open_documents(*server, trace);
    cpu_at_first.push_back(cpu_ms(server->process_id()));
  }
  auto unhurried = play_unhurried(servers, trace);
  if (!unhurried) return tl::unexpected(unhurried.error());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    repetitions[i].unhurried = std::move((*unhurried)[i]);
    repetitions[i].unhurried_cpu_ms = cpu_ms(servers[i]->process_id()) - cpu_at_first[i];
  }
  for (std::size_t i = 0; i < servers.size(); ++i) {
    if (const auto finished = finish(*servers[i], trace, speed, repetitions[i]); !finished) return tl::unexpected(finished.error());
  }
  return repetitions;
}

Result<double> measure_wake(ServerUnderTest& server, const Trace& trace) {
  if (const auto warm = start_and_warm(server, trace); !warm) return tl::unexpected(warm.error());
  const TimePoint deadline = Clock::now() + kUnloadPatience;
  while (server.info().value("state", "") != "unloaded") {
    if (Clock::now() > deadline) return fail(ErrorCode::kUnsupported, "the server does not say that its model is unloaded");
    if (const auto ran = server.run_until(Clock::now() + kGlance, [] { return false; }); !ran) return tl::unexpected(ran.error());
  }
  const Counters before = server.counters().value_or(Counters());
  const TimePoint start = Clock::now();
  while (true) {
    const auto answer = ask_alone(server, trace, trace.events.size() - 1);
    if (!answer) return tl::unexpected(answer.error());
    const Counters now = server.counters().value_or(Counters());
    if (now.contains("completions") && (!before.contains("completions") || now.at("completions") > before.at("completions"))) break;
    if (Clock::now() > deadline) return fail(ErrorCode::kUnreadable, "nothing was computed after the wake");
  }
  const double ms = ms_since(start);
  server.stop();
  return ms;
}

std::vector<Figure> figures_of(const std::vector<Repetition>& repetitions) {
  FigureTable table(repetitions);
  table.add("unhurried.key_ms", "ms", "less", "time",
            [](const Repetition& r) { return typical(times(r.unhurried, is_computed, &KeyRecord::whole_ms)); });
  table.add_times("unhurried.first_ms", &Repetition::unhurried, is_computed_text, &KeyRecord::first_ms, {50, 95});
  table.add_times("unhurried.whole_ms", &Repetition::unhurried, is_computed_text, &KeyRecord::whole_ms, {50, 90, 95, 99});
  table.add_times("unhurried.nothing_ms", &Repetition::unhurried, is_nothing, &KeyRecord::whole_ms, {50, 95});
  table.add_times("unhurried.memory_ms", &Repetition::unhurried, is_remembered_text, &KeyRecord::whole_ms, {50, 95});
  table.add_times("typing.first_ms", &Repetition::typing, is_text, &KeyRecord::first_ms, {50, 95});
  table.add_times("typing.whole_ms", &Repetition::typing, is_text, &KeyRecord::whole_ms, {50, 90, 95, 99});
  if (std::ranges::all_of(repetitions, [](const Repetition& r) { return !r.cancel_ms.empty(); })) {
    table.add("cancel_ms.p50", "ms", "less", "time", [](const Repetition& r) { return percentile(r.cancel_ms, 0.5); });
    table.add("cancel_ms.p95", "ms", "less", "time", [](const Repetition& r) { return percentile(r.cancel_ms, 0.95); });
  }
  const auto typing_share = [](Outcome outcome) {
    return [outcome](const Repetition& repetition) {
      const auto n = std::ranges::count_if(repetition.typing, [&](const KeyRecord& record) { return record.outcome == outcome; });
      return share(static_cast<double>(n), static_cast<double>(repetition.typing.size()));
    };
  };
  table.add("typing.superseded", "of keys", "less", "time", typing_share(Outcome::kSuperseded));
  table.add("typing.with_text", "of keys", "more", "time", typing_share(Outcome::kText));
  table.add("unhurried.cpu_ms_per_key", "ms", "less", "time",
            [](const Repetition& r) { return share(r.unhurried_cpu_ms, static_cast<double>(r.unhurried.size())); });
  table.add("typing.cpu_ms_per_key", "ms", "less", "time",
            [](const Repetition& r) { return share(r.typing_cpu_ms, static_cast<double>(r.typing.size())); });
  table.add("start_ms", "ms", "less", "time", [](const Repetition& r) { return r.start_ms; });
  table.add("ready_ms", "ms", "less", "time", [](const Repetition& r) { return r.ready_ms; });
  table.add("rest_cpu_share", "of a core", "less", "time", [](const Repetition& r) { return r.rest_cpu_share; });
  table.add("rss_bytes", "bytes", "less", "time", [](const Repetition& r) { return static_cast<double>(r.rss_bytes); });
  table.add("peak_rss_bytes", "bytes", "less", "time", [](const Repetition& r) { return static_cast<double>(r.peak_rss_bytes); });
  if (repetitions.empty() || repetitions.front().typing_counters.empty()) return table.take();

  const auto positions = [](double part) {
    return [part](const Repetition& repetition) {
      return percentile(
          times(
              repetition.unhurried, [](const KeyRecord& r) { return !r.completion.is_null(); }, &KeyRecord::positions_computed),
          part);
    };
  };
  table.add("unhurried.positions_computed.p50", "positions", "less", "count", positions(0.5));
  table.add("unhurried.positions_computed.p95", "positions", "less", "count", positions(0.95));
  table.add("unhurried.steps", "steps", "less", "time", [](const Repetition& repetition) {
    double n = 0;
    for (const KeyRecord& record : repetition.unhurried) n += record.steps;
    return n;
  });
  table.add("unhurried.from_memory", "keys", "more", "count",
            [](const Repetition& r) { return static_cast<double>(std::ranges::count_if(r.unhurried, is_remembered_text)); });
  for (const char* name : {"steps_after_stop", "late_stops"}) {
    table.add(fmt::format("typing.{}", name), "", "less", "time",
              [name](const Repetition& r) { return r.typing_counters.contains(name) ? r.typing_counters.at(name) : 0; });
  }
  table.add("typing.from_memory", "keys", "more", "time",
            [](const Repetition& r) { return static_cast<double>(std::ranges::count_if(r.typing, is_remembered_text)); });
  return table.take();
}

}  // namespace octet::benchmarks

#include "benchmarks/latency/replay.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <utility>

namespace octet::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

/// No answer at all is an error, not a latency.
constexpr std::chrono::seconds kPatience{60};
/// Enough for a completion to be under way.
constexpr std::chrono::milliseconds kHeadStart{1};
/// Who asks without a pause has the core that the server would answer on.
constexpr std::chrono::microseconds kBetweenQuestions{200};
/// Nobody types as fast as they are answered: what spins for the next task falls asleep meanwhile, as it does where people type.
constexpr std::chrono::milliseconds kBetweenKeys{2};

double ms_between(TimePoint from, TimePoint to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

KeyRecord record_of(std::size_t event_idx, TimePoint sent, const Answer& answer, std::set<std::string>& suggestions) {
  KeyRecord record;
  record.event_idx = event_idx;
  record.outcome = answer.outcome;
  record.text = answer.text;
  record.error = answer.error;
  record.whole_ms = ms_between(sent, answer.whole);
  record.first_ms = ms_between(sent, answer.first.value_or(answer.whole));
  record.is_from_memory = !answer.suggestion.empty() && !suggestions.insert(answer.suggestion).second;
  return record;
}

/// A cursor that only moves is nothing that a server hears of.
void send_edit(ServerUnderTest& server, const TraceEvent& event) {
  if (event.start != event.end || !event.text.empty()) server.edit(event.file_idx, event.start, event.end, event.text);
}

Result<void> pause(ServerUnderTest& server, Clock::duration length) {
  return server.run_until(Clock::now() + length, [] { return false; });
}

double difference(const Counters& before, const Counters& after, const char* name) {
  const auto value = [name](const Counters& counters) { return counters.contains(name) ? counters.at(name) : 0.0; };
  return value(after) - value(before);
}

/// One server's part.
class UnhurriedPlay {
 public:
  explicit UnhurriedPlay(ServerUnderTest& server) : server_(&server), before_(server.counters()) {}

  Result<void> play(const TraceEvent& event, std::size_t event_idx) {
    if (const auto ran = pause(*server_, kBetweenKeys); !ran) return ran;
    const TimePoint sent = Clock::now();
    send_edit(*server_, event);
    if (!event.is_key) return {};
    std::optional<Answer> answer;
    server_->ask(event.file_idx, event.cursor, [&](const Answer& got) { answer = got; });
    if (const auto ran = server_->run_until(sent + kPatience, [&] { return answer.has_value(); }); !ran) return ran;
    if (!answer) return fail(ErrorCode::kUnreadable, "a key was not answered within a minute");
    KeyRecord record = record_of(event_idx, sent, *answer, suggestions_);
    if (std::optional<Counters> after = server_->counters(); before_ && after) {
      record.positions_computed = difference(*before_, *after, "positions_computed");
      record.steps = difference(*before_, *after, "steps");
      if (difference(*before_, *after, "completions") > 0) record.completion = server_->last_completion();
      before_ = std::move(after);
    }
    records_.push_back(std::move(record));
    return {};
  }

  std::vector<KeyRecord> take() { return std::move(records_); }

 private:
  ServerUnderTest* server_;
  std::optional<Counters> before_;
  std::set<std::string> suggestions_;
  std::vector<KeyRecord> records_;
};

}  // namespace

std::string_view to_string(Outcome outcome) {
  constexpr std::array<std::string_view, 4> kNames{"text", "nothing", "superseded", "failed"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

void open_documents(ServerUnderTest& server, const Trace& trace) {
  for (std::size_t i = 0; i < trace.files.size(); ++i) server.open(i, trace.files[i], trace.files[i].text);
}

Result<std::vector<std::vector<KeyRecord>>> play_unhurried(const std::vector<ServerUnderTest*>& servers, const Trace& trace) {
  std::vector<UnhurriedPlay> plays;
  for (ServerUnderTest* server : servers) plays.emplace_back(*server);
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    for (UnhurriedPlay& play : plays) {
      if (const auto played = play.play(trace.events[i], i); !played) return tl::unexpected(played.error());
    }
  }
  std::vector<std::vector<KeyRecord>> records;
  for (UnhurriedPlay& play : plays) records.push_back(play.take());
  return records;
}

Result<std::vector<KeyRecord>> play_typing(ServerUnderTest& server, const Trace& trace, double speed) {
  std::vector<KeyRecord> records;
  std::set<std::string> suggestions;
  std::size_t n_open = 0;
  const TimePoint begin = Clock::now();
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    const TraceEvent& event = trace.events[i];
    const TimePoint due = begin + std::chrono::microseconds(static_cast<std::int64_t>(1e3 * event.at_ms / speed));
    if (const auto ran = server.run_until(due, [] { return false; }); !ran) return tl::unexpected(ran.error());
    const TimePoint sent = Clock::now();
    send_edit(server, event);
    if (!event.is_key) continue;
    ++n_open;
    server.ask(event.file_idx, event.cursor, [&, i, sent](const Answer& answer) {
      records.push_back(record_of(i, sent, answer, suggestions));
      --n_open;
    });
  }
  const auto ran = server.run_until(Clock::now() + kPatience, [&] { return n_open == 0; });
  if (!ran) return tl::unexpected(ran.error());
  if (n_open > 0) return fail(ErrorCode::kUnreadable, "a key was not answered within a minute");
  return records;
}

Result<std::vector<double>> play_cancelled(ServerUnderTest& server, const Trace& trace, std::size_t stride) {
  std::vector<double> waits_ms;
  std::size_t n_keys = 0;
  for (const TraceEvent& event : trace.events) {
    send_edit(server, event);
    if (!event.is_key || ++n_keys % stride != 0) continue;
    const auto before = server.counters();
    if (!before) return waits_ms;
    std::optional<Answer> answer;
    server.ask(event.file_idx, event.cursor, [&](const Answer& got) { answer = got; });
    const auto ran = server.run_until(Clock::now() + kHeadStart, [&] { return answer.has_value(); });
    if (!ran) return tl::unexpected(ran.error());
    if (answer) continue;
    const TimePoint cancelled = Clock::now();
    server.cancel();
    while (true) {
      if (const auto paused = pause(server, kBetweenQuestions); !paused) return tl::unexpected(paused.error());
      const auto now = server.counters();
      if (!now) return fail(ErrorCode::kUnreadable, "the server has stopped counting");
      if (difference(*before, *now, "silent/cancelled") == 0) break;  // the answer was on its way
      if (difference(*before, *now, "completions") > 0) {
        waits_ms.push_back(ms_between(cancelled, Clock::now()));
        break;
      }
      if (Clock::now() > cancelled + kPatience)
        return fail(ErrorCode::kUnreadable, "a completion that was withdrawn did not end within a minute");
    }
  }
  return waits_ms;
}

Result<Answer> ask_alone(ServerUnderTest& server, const Trace& trace, std::size_t event_idx) {
  TraceDocuments documents(trace);
  for (std::size_t i = 0; i <= event_idx; ++i) documents.apply(trace.events[i]);
  for (std::size_t i = 0; i < trace.files.size(); ++i) server.open(i, trace.files[i], documents.text(i));
  std::optional<Answer> answer;
  const TraceEvent& event = trace.events[event_idx];
  server.ask(event.file_idx, event.cursor, [&](const Answer& got) { answer = got; });
  const auto ran = server.run_until(Clock::now() + kPatience, [&] { return answer.has_value(); });
  if (!ran) return tl::unexpected(ran.error());
  if (!answer) return fail(ErrorCode::kUnreadable, "a key was not answered within a minute");
  return *answer;
}

}  // namespace octet::benchmarks

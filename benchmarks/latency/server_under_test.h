// What the benchmark drives: a completer that hears of edits and is asked at a cursor.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "benchmarks/latency/trace.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

using TimePoint = std::chrono::steady_clock::time_point;

enum class Outcome {
  kText,        // there is something to show
  kNothing,     // an answer without a text
  kSuperseded,  // the next key, or a cancellation, was first
  kFailed,      // an error
};
/// "text", "nothing", ...
std::string_view to_string(Outcome outcome);

struct Answer {
  Outcome outcome = Outcome::kFailed;
  std::string text;                // to be inserted at the cursor
  std::optional<TimePoint> first;  // when something could first be shown
  TimePoint whole;                 // when the answer was there
  std::string suggestion;          // the server's name for what `text` is the rest of; empty where it has none
  std::string error;
};
using OnAnswer = std::function<void(const Answer&)>;

/// Counters that only grow, by their names in octet's statistics: "steps", "silent/cancelled".
using Counters = std::map<std::string, double>;

/// One thread: everything happens inside the calls, on_answer too. An answer comes once, and none after stop().
class ServerUnderTest {
 public:
  virtual ~ServerUnderTest() = default;

  /// From nothing to a server that takes documents.
  virtual Result<void> start() = 0;
  virtual void open(std::size_t file_idx, const TraceFile& file, const std::string& text) = 0;
  /// Bytes [start, end) of the file become `text`; the next line of the protocol is on its way when this returns.
  virtual void edit(std::size_t file_idx, std::size_t start, std::size_t end, const std::string& text) = 0;
  /// Withdraws what was asked before and has no answer yet.
  virtual void ask(std::size_t file_idx, std::size_t cursor, OnAnswer on_answer) = 0;
  virtual void cancel() = 0;
  /// Takes what comes until `deadline`, or until `is_done` says so. Fails with kUnreadable where the server ends.
  virtual Result<void> run_until(TimePoint deadline, const std::function<bool()>& is_done) = 0;
  /// Ends it.
  virtual void stop() = 0;

  /// {"name", "version", ...}: who it is.
  virtual nlohmann::json info() = 0;
  /// Nothing where the server counts nothing. Waits for its answer.
  virtual std::optional<Counters> counters() { return std::nullopt; }
  /// Milliseconds by stage of the last completion that was computed, and what it did; null where the server tells nothing.
  virtual nlohmann::json last_completion() { return nullptr; }
  /// The process whose memory and processor time are measured; 0: it runs elsewhere.
  virtual int process_id() const { return 0; }
};

}  // namespace octet::benchmarks

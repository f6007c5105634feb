// Plays a trace to a server and notes what came when.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "benchmarks/latency/server_under_test.h"
#include "benchmarks/latency/trace.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

/// What became of one key. Milliseconds count from the moment before its edit was sent.
struct KeyRecord {
  std::size_t event_idx = 0;
  Outcome outcome = Outcome::kSuperseded;
  std::string text;
  bool is_from_memory = false;  // the rest of what was suggested before; only known where the server names its suggestions
  double first_ms = 0;          // of kText
  double whole_ms = 0;
  double positions_computed = -1;  // of prompts; -1: not told, as for those below
  double steps = -1;
  nlohmann::json completion;  // what computing took; null where nothing was computed, or not told
  std::string error;
};

/// The documents as they are at the trace's beginning; opens them, or puts them back.
void open_documents(ServerUnderTest& server, const Trace& trace);

/// Each key is sent once the one before it was answered, so that none waits for another's work. Between keys the server is asked what the
/// last one took, where it tells. Several servers take turns at each key, so that what else the machine does falls on all of them. By
/// server.
Result<std::vector<std::vector<KeyRecord>>> play_unhurried(const std::vector<ServerUnderTest*>& servers, const Trace& trace);

/// Keys come when the trace has them, `speed` times as fast, whether or not the one before was answered: then it is withdrawn. Text is
/// typed, never accepted.
Result<std::vector<KeyRecord>> play_typing(ServerUnderTest& server, const Trace& trace, double speed);

/// At every `stride`th key a completion is asked for and withdrawn a millisecond later: milliseconds from there until the server counts it
/// as ended, those left out that were answered before. Empty where it counts nothing.
Result<std::vector<double>> play_cancelled(ServerUnderTest& server, const Trace& trace, std::size_t stride);

/// The text that a server that has just been started offers behind the event, and nothing else asked.
Result<Answer> ask_alone(ServerUnderTest& server, const Trace& trace, std::size_t event_idx);

}  // namespace octet::benchmarks

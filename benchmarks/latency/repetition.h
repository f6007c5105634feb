// One repetition: each server from its start to its end, with the same work each time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <nlohmann/json.hpp>

#include "benchmarks/figures.h"
#include "benchmarks/latency/replay.h"
#include "benchmarks/latency/server_under_test.h"
#include "benchmarks/latency/trace.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

struct Repetition {
  nlohmann::json server;  // ServerUnderTest::info()
  double start_ms = 0;    // from nothing to a server that takes documents
  double ready_ms = 0;    // from nothing to the first completion that was computed
  std::vector<KeyRecord> unhurried;
  std::vector<KeyRecord> typing;
  std::vector<double> cancel_ms;  // until nothing is computed any more
  Counters typing_counters;       // what they grew by while typing; empty where the server counts nothing
  double unhurried_cpu_ms = 0;
  double typing_cpu_ms = 0;
  double rest_cpu_share = 0;  // of one core, while nobody asks
  std::size_t rss_bytes = 0;
  std::size_t peak_rss_bytes = 0;
};

/// Starts the servers and has them play the trace once to warm up and once unhurried, in turn; then each once typed at `speed`, and watches
/// it rest. By server. Fails with kUnreadable where one ends before, or does not answer.
Result<std::vector<Repetition>> run_repetition(const std::vector<ServerUnderTest*>& servers, const Trace& trace, double speed);

/// Starts a server and asks at the trace's first key until something was computed: a model that is being loaded answers nothing. Fails as
/// run_repetition() does.
Result<void> start_and_warm(ServerUnderTest& server, const Trace& trace);

/// Milliseconds from asking a server whose model was given back, for want of work, to its text: takes a minute. `server` unloads after
/// a minute (octet.idleUnload: 1). Fails with kUnsupported where it does not say that it has.
Result<double> measure_wake(ServerUnderTest& server, const Trace& trace);

/// What is compared, a value a repetition. unhurried.key_ms is the geometric mean over the keys for which something was computed.
std::vector<Figure> figures_of(const std::vector<Repetition>& repetitions);

}  // namespace octet::benchmarks

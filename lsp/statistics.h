// What the server did, in numbers: they stay on this machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "bytemodel/result.h"
#include "engine/completion.h"
#include "lsp/json_rpc.h"
#include "lsp/silence.h"

namespace octet::lsp {

/// Main thread. Counts are sums since the server started; latencies those of the last answers.
class Statistics {
 public:
  /// A request was answered with a text after `ms` milliseconds; `from_memory`: of an earlier suggestion, without a model step.
  void answered(double ms, std::size_t n_bytes, bool from_memory);
  /// A request was answered without a text.
  void silent(Silence reason);
  /// The engine ended a completion, whoever waited for it.
  void computed(const engine::CompletionCounts& counts);

  /// What the client tells of suggestion `token`. Feedback on what was never sent is not counted.
  void shown(const std::string& token);
  /// `length`: of the item's text from its start, the typed word included; in units of positions, which are bytes for most code.
  void accepted_part(const std::string& token, std::size_t length);
  void accepted(const std::string& token);
  /// A suggestion of `n_bytes` behind `n_typed` was sent, or sent again by who typed on: feedback on it may come.
  void offered(const std::string& token, std::size_t n_bytes, std::size_t n_typed);

  /// {requests, answered, from_memory, silent: {code: n}, steps, steps_after_stop, late_stops, drafted, accepted_drafts,
  /// positions_computed, positions_reused, bytes_offered, shown, accepted, accepted_partly, dismissed, bytes_accepted, latency_ms:
  /// {n, last, p50, p90, p95, p99}}
  Json to_json() const;

 private:
  struct Offer {
    std::size_t n_bytes = 0;           // of its text, with what was taken over
    std::size_t n_typed = 0;           // before it in the item
    std::size_t n_accepted_bytes = 0;  // taken over so far
    bool is_shown = false;
    bool is_accepted = false;
  };
  Offer* find(const std::string& token);
  void add(const std::string& name, std::uint64_t n) { counts_[name] += n; }

  std::map<std::string, std::uint64_t> counts_;
  std::map<std::string, std::uint64_t> silences_;
  std::deque<double> latencies_ms_;
  std::deque<std::pair<std::string, Offer>> offers_;  // the last ones, newest last
  std::string shown_;                                 // the one that the person sees
};

/// Adds `counts`, as Statistics::to_json() has them, to those in the file, without latencies; makes the file (mode 0600) and its folder
/// where there is none. Processes may do so at the same time. Fails with kUnreadable.
Result<void> add_to_statistics_file(const std::filesystem::path& file, const Json& counts);
/// The sums of all servers; an empty object where there is no file, or it holds something else.
Json read_statistics_file(const std::filesystem::path& file);

}  // namespace octet::lsp

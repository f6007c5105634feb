#include "benchmarks/quality/quality_table.h"

#include <cstddef>

#include "benchmarks/report.h"

namespace octet::benchmarks {
namespace {

void print_bits(const char* name, const nlohmann::json& bits) {
  print(stdout, "{:<22} {:>8} bytes  net {:.3f} bits/byte, {:.3f} right   mixed {:.3f} bits/byte, {:.3f} right\n", name,
        bits["bytes"].get<std::size_t>(), bits["net"]["bits_per_byte"].get<double>(), bits["net"]["next_byte_right"].get<double>(),
        bits["mixed"]["bits_per_byte"].get<double>(), bits["mixed"]["next_byte_right"].get<double>());
}

void print_work(const char* name, const nlohmann::json& work) {
  print(stdout, "{:<22} {:>4} of {} lines exact, similarity {:.2f}; {} of {} blocks exact, {:.2f}; {:.2f} bytes a step, {:.0f} bytes/s\n",
        name, work["exact_lines"].get<std::size_t>(), work["lines"].get<std::size_t>(), work["line_similarity"].get<double>(),
        work["exact_blocks"].get<std::size_t>(), work["blocks"].get<std::size_t>(), work["block_similarity"].get<double>(),
        work["bytes_per_step"].get<double>(), work["bytes_per_s"].get<double>());
}

void print_heads(const char* name, const nlohmann::json& drafts) {
  if (drafts["steps"] == 0) return;
  print(stdout, "{:<22} {:.2f} bytes a step with the longest drafts; heads right where judged:", name,
        drafts["bytes_per_step"].get<double>());
  for (const auto& head : drafts["heads"]) {
    print(stdout, " {}: {:.2f}", head["head"].get<std::size_t>(), head["right"].get<double>() / head["judged"].get<double>());
  }
  print(stdout, "\n");
}

void print_replay(const std::string& name, const Replay& replay) {
  const auto row = replay.json();
  print(stdout, "{:<12} {:>8} {:>7.1f}% {:>8.1f}% {:>7} {:>7.1f}% {:>7.1f}% {:>7.1f}% {:>9.1f} {:>7.1f} {:>9.2f} {:>9.0f}\n", name,
        replay.typing.keys_without, 100 * replay.typing.keys_saved(), 100 * replay.typing.time_saved(), replay.typing.suggestions,
        100 * row["accepted_whole_share"].get<double>(), 100 * row["accepted_partly_share"].get<double>(),
        100 * row["right_share"].get<double>(), row["shown_per_attention_s"].get<double>(), row["right_per_attention_s"].get<double>(),
        row["computed_per_key"].get<double>(), replay.typing.break_even_ms());
}

}  // namespace

void print_quality(const Score& total, const std::map<std::string, Score>& languages) {
  const auto result = total.json(/*has_completions=*/false);
  print_bits("all", result["all"]);
  print_bits("without boilerplate", result["without_boilerplate"]);
  for (const char* name : {"with_memory", "net_alone"}) print_work(name, result[name]);
  for (const char* name : {"with_memory", "net_alone"}) print_heads(name, result[name]["longest_drafts"]);
  print(stdout, "drafted and plain text differ in {} of {}; mixing takes {:.1f} us a byte\n", total.differing, total.compared,
        total.mix_us_per_byte());
  if (!total.reliability.is_empty()) total.reliability.print_table();
  if (!total.soundness.is_empty()) total.soundness.print_table();
  if (total.replay.typing.keys_without == 0) return;
  print(stdout, "typed with suggestions\n{:<12} {:>8} {:>8} {:>9} {:>7} {:>8} {:>8} {:>8} {:>9} {:>7} {:>9} {:>9}\n", "language", "keys",
        "saved", "time", "offers", "whole", "partly", "right", "shown/s", "right/s", "computed", "even ms");
  for (const auto& [language, score] : languages) {
    if (score.replay.typing.keys_without > 0) print_replay(language, score.replay);
  }
  print_replay("all", total.replay);
}

}  // namespace octet::benchmarks

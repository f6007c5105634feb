#include "benchmarks/quality/scores.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "benchmarks/quality/similarity.h"

namespace octet::benchmarks {
namespace {

/// What says which of two runs is better: the same on every machine, and no two of them the same thing.
constexpr std::array<std::string_view, 10> kJudged{"bits_per_byte.net",
                                                   "bits_per_byte.mixed",
                                                   "net_alone.lines.similarity",
                                                   "net_alone.blocks.similarity",
                                                   "net_alone.longest_drafts.bytes_per_step",
                                                   "with_memory.lines.similarity",
                                                   "with_memory.blocks.similarity",
                                                   "with_memory.longest_drafts.bytes_per_step",
                                                   "replay.keys_saved",
                                                   "replay.right_characters"};

double share(double part, std::size_t whole) { return part / static_cast<double>(std::max<std::size_t>(whole, 1)); }
double share(std::size_t part, std::size_t whole) { return share(static_cast<double>(part), whole); }

}  // namespace

Bits& Bits::operator+=(const Bits& other) {
  n += other.n;
  net += other.net;
  mixed += other.mixed;
  net_right += other.net_right;
  mixed_right += other.mixed_right;
  return *this;
}

nlohmann::json Bits::json() const {
  return {{"bytes", n},
          {"net", {{"bits_per_byte", share(net, n)}, {"next_byte_right", share(net_right, n)}}},
          {"mixed", {{"bits_per_byte", share(mixed, n)}, {"next_byte_right", share(mixed_right, n)}}}};
}

void Matches::add(const std::string& text, const std::string& truth) {
  ++n;
  n_exact += text == truth ? 1 : 0;
  similarity += edit_similarity(text, truth);
}

Matches& Matches::operator+=(const Matches& other) {
  n += other.n;
  n_exact += other.n_exact;
  similarity += other.similarity;
  return *this;
}

Work& Work::operator+=(const Work& other) {
  bytes += other.bytes;
  steps += other.steps;
  decode_ms += other.decode_ms;
  lines += other.lines;
  blocks += other.blocks;
  chosen_drafts += other.chosen_drafts;
  longest_drafts += other.longest_drafts;
  return *this;
}

double Work::bytes_per_s() const { return decode_ms > 0 ? 1e3 * static_cast<double>(bytes) / decode_ms : 0; }

nlohmann::json Work::json() const {
  return {{"bytes_per_step", share(bytes, steps)},
          {"bytes_per_s", bytes_per_s()},
          {"bytes", bytes},
          {"steps", steps},
          {"lines", lines.n},
          {"exact_lines", lines.n_exact},
          {"line_similarity", share(lines.similarity, lines.n)},
          {"blocks", blocks.n},
          {"exact_blocks", blocks.n_exact},
          {"block_similarity", share(blocks.similarity, blocks.n)},
          {"chosen_drafts", chosen_drafts.json()},
          {"longest_drafts", longest_drafts.json()}};
}

Replay& Replay::operator+=(const Replay& other) {
  typing += other.typing;
  computed += other.computed;
  from_memory += other.from_memory;
  return *this;
}

nlohmann::json Replay::json() const {
  nlohmann::json result = typing.json();
  result["computed"] = computed;
  result["from_memory"] = from_memory;
  result["computed_per_key"] = share(computed, typing.keys());
  return result;
}

Score& Score::operator+=(const Score& other) {
  all += other.all;
  without_boilerplate += other.without_boilerplate;
  with_memory += other.with_memory;
  net_alone += other.net_alone;
  compared += other.compared;
  differing += other.differing;
  mix_ms += other.mix_ms;
  replay += other.replay;
  reliability += other.reliability;
  soundness += other.soundness;
  return *this;
}

double Score::mix_us_per_byte() const { return share(1e3 * mix_ms, all.n); }

nlohmann::json Score::json(bool has_completions) const {
  return {{"all", all.json()},
          {"without_boilerplate", without_boilerplate.json()},
          {"with_memory", with_memory.json()},
          {"net_alone", net_alone.json()},
          {"texts_compared", compared},
          {"texts_differing", differing},
          {"mix_us_per_byte", mix_us_per_byte()},
          {"replay", replay.json()},
          {"confidence", reliability.json(has_completions)},
          {"soundness", soundness.json()}};
}

std::map<std::string, Score> by_language(const std::vector<FileScore>& files) {
  std::map<std::string, Score> languages;
  for (const FileScore& file : files) languages[file.language] += file.score;
  return languages;
}

Score sum(const std::vector<FileScore>& files) {
  Score total;
  for (const FileScore& file : files) total += file.score;
  return total;
}

std::vector<Figure> figures(const std::vector<FileScore>& files) {
  std::vector<Figure> result;
  // `value` of those scores whose `count` is not 0.
  const auto add = [&](const std::string& name, const char* unit, const char* better, const char* kind, auto count, auto value) {
    Figure figure{name, unit, better, kind, std::ranges::find(kJudged, name) != kJudged.end(), {}};
    for (const FileScore& file : files) {
      if (count(file.score) > 0) figure.values.push_back(static_cast<double>(value(file.score)));
    }
    if (!figure.values.empty()) result.push_back(std::move(figure));
  };
  const auto bytes = [](const Score& s) { return s.all.n; };
  add("bits_per_byte.net", "bits", "less", "ratio", bytes, [](const Score& s) { return share(s.all.net, s.all.n); });
  add("bits_per_byte.mixed", "bits", "less", "ratio", bytes, [](const Score& s) { return share(s.all.mixed, s.all.n); });
  add("mixing.us_per_byte", "us", "less", "time", bytes, [](const Score& s) { return s.mix_us_per_byte(); });
  const auto texts = [](const Score& s) { return s.compared; };
  const auto of_work = [&](const std::string& name, auto work) {
    const auto lines = [=](const Score& s) { return work(s).lines.n; };
    const auto blocks = [=](const Score& s) { return work(s).blocks.n; };
    add(name + ".lines.exact", "share", "more", "ratio", lines,
        [=](const Score& s) { return share(work(s).lines.n_exact, work(s).lines.n); });
    add(name + ".lines.similarity", "share", "more", "ratio", lines,
        [=](const Score& s) { return share(work(s).lines.similarity, work(s).lines.n); });
    add(name + ".blocks.exact", "share", "more", "ratio", blocks,
        [=](const Score& s) { return share(work(s).blocks.n_exact, work(s).blocks.n); });
    add(name + ".blocks.similarity", "share", "more", "ratio", blocks,
        [=](const Score& s) { return share(work(s).blocks.similarity, work(s).blocks.n); });
    add(name + ".longest_drafts.bytes_per_step", "bytes", "more", "ratio", texts,
        [=](const Score& s) { return work(s).longest_drafts.bytes_per_step(); });
    add(name + ".bytes_per_s", "bytes/s", "more", "time", texts, [=](const Score& s) { return work(s).bytes_per_s(); });
  };
  of_work("with_memory", [](const Score& s) -> const Work& { return s.with_memory; });
  of_work("net_alone", [](const Score& s) -> const Work& { return s.net_alone; });
  const auto keys = [](const Score& s) { return s.replay.typing.keys_without; };
  add("replay.keys_saved", "share", "more", "ratio", keys, [](const Score& s) { return s.replay.typing.keys_saved(); });
  add("replay.time_saved", "share", "more", "ratio", keys, [](const Score& s) { return s.replay.typing.time_saved(); });
  add("replay.computed_per_key", "completions", "less", "ratio", keys,
      [](const Score& s) { return share(s.replay.computed, s.replay.typing.keys()); });
  add("replay.accepted", "share", "more", "ratio", keys, [](const Score& s) {
    const Typing& typing = s.replay.typing;
    return share(typing.accepted_whole + typing.accepted_partly, typing.suggestions);
  });
  add("replay.right_characters", "share", "more", "ratio", keys,
      [](const Score& s) { return share(s.replay.typing.right_characters, s.replay.typing.shown_characters); });
  const auto judged = [](const Score& s) { return s.soundness.n_completions(); };
  add("soundness.new_errors", "completions", "less", "count", judged, [](const Score& s) { return s.soundness.n_new_errors(); });
  return result;
}

}  // namespace octet::benchmarks

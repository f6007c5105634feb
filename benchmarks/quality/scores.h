// What octet-bench quality counts, of a file, a language or all: sums, and the figures that two runs are compared by.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "benchmarks/figures.h"
#include "benchmarks/quality/heads.h"
#include "benchmarks/quality/reliability.h"
#include "benchmarks/quality/soundness.h"
#include "benchmarks/quality/typing_user.h"

namespace octet::benchmarks {

/// How well bytes are predicted.
struct Bits {
  std::size_t n = 0;
  double net = 0;
  double mixed = 0;
  std::size_t net_right = 0;
  std::size_t mixed_right = 0;

  Bits& operator+=(const Bits& other);
  nlohmann::json json() const;
};

/// Texts against what the file has there.
struct Matches {
  std::size_t n = 0;
  std::size_t n_exact = 0;
  double similarity = 0;

  void add(const std::string& text, const std::string& truth);
  Matches& operator+=(const Matches& other);
};

/// Completions, with or without memory.
struct Work {
  std::size_t bytes = 0;
  std::size_t steps = 0;
  double decode_ms = 0;
  Matches lines;
  Matches blocks;
  HeadTally chosen_drafts;   // as long as they pay on this machine
  HeadTally longest_drafts;  // the same on every machine

  Work& operator+=(const Work& other);
  double bytes_per_s() const;
  nlohmann::json json() const;
};

/// Files typed with suggestions, and what the server would have done for that.
struct Replay {
  Typing typing;
  std::size_t computed = 0;
  std::size_t from_memory = 0;  // of an earlier suggestion

  Replay& operator+=(const Replay& other);
  nlohmann::json json() const;
};

struct Score {
  Bits all;
  Bits without_boilerplate;
  Work with_memory;
  Work net_alone;
  std::size_t compared = 0;  // texts, drafted against plain
  std::size_t differing = 0;
  double mix_ms = 0;  // of the bytes of `all`
  Replay replay;
  Reliability reliability;
  Soundness soundness;

  Score& operator+=(const Score& other);
  double mix_us_per_byte() const;
  /// `has_completions`: with each of those that `reliability` was counted on.
  nlohmann::json json(bool has_completions) const;
};

struct FileScore {
  std::string path;
  std::string language;
  Score score;
};

/// By language, and in all.
std::map<std::string, Score> by_language(const std::vector<FileScore>& files);
Score sum(const std::vector<FileScore>& files);

/// By what two runs over the same files are compared: one value for each file that has one (of which places were asked for, which bytes
/// predicted), in the order of the files.
std::vector<Figure> figures(const std::vector<FileScore>& files);

}  // namespace octet::benchmarks

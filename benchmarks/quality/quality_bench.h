// octet-bench quality: how well net and memory predict files that a person could be writing, each with the rest of its folder as the
// workspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace octet::benchmarks {

struct QualityOptions {
  std::filesystem::path model;
  std::filesystem::path mixer;
  std::vector<std::filesystem::path> files;
  std::string workspace = "none";        // a folder above the files, or "none": each file's own text only
  std::size_t bytes = 6000;              // of each file
  std::size_t cursors = 8;               // in each file, for the rest of the line
  std::size_t completions = 2;           // in each file, for speed and for drafted against plain text
  std::size_t editor_cursors = 0;        // in each file, for how sure completions are and how often they are right
  bool auto_close = false;               // brackets and quotes of the line are closed behind those cursors, as editors do
  std::size_t replay_bytes = 0;          // of each file, which a simulated user types
  std::optional<double> min_confidence;  // of those two kinds of completions; none: 0 at editor cursors, what editors have in the replay
  bool use_syntax = true;                // for where completions end
  unsigned threads = 0;
  std::uint64_t seed = 1;
  std::filesystem::path json;
  std::filesystem::path html;
};

/// The process's exit code.
int run_quality(const QualityOptions& options);

}  // namespace octet::benchmarks

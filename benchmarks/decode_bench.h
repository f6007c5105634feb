// Decoding against what the machine can do: verify steps of 1 to 16 positions, prefill, plain against drafted text, batches.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace octet::benchmarks {

struct DecodeOptions {
  std::filesystem::path model;  // empty: the default model
  std::string shape;            // random weights of this shape instead
  std::string llama_shape;
  std::filesystem::path keep;  // where the random model is written and stays; empty: a temporary file
  std::vector<std::filesystem::path> files;
  bool plain = false;  // neither: both
  bool draft = false;
  std::vector<int> batch;
  int bytes = 128;      // of a completion
  int cursors = 6;      // in each file
  int repetitions = 3;  // plain and drafted in turn
  unsigned threads = 0;
  std::filesystem::path json;
};

/// Prints the figures of interfaces.md, `octet-bench decode`. Returns the exit code: 1 where a file or model cannot be read, or
/// where drafted text differs from plain text.
int run_decode(const DecodeOptions& options);

}  // namespace octet::benchmarks

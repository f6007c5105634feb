// octet-bench latency: from a key to ghost text, measured from outside, over the real protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace octet::benchmarks {

struct LatencyOptions {
  std::vector<std::string> servers;          // commands; several are measured in turn. Empty: the octet beside this program
  std::string infill;                        // the URL of an HTTP server with /infill, measured beside them
  std::string infill_options = "{}";         // JSON, for its requests
  std::vector<std::filesystem::path> files;  // to be typed again
  std::filesystem::path trace;               // or a trace
  std::size_t keys = 150;
  std::uint64_t seed = 1;
  double speed = 1;  // of typing
  std::size_t repetitions = 5;
  std::string workspace = "none";           // a folder, or "none"
  bool wake = false;                        // also wait until the model is unloaded, and wake it
  std::vector<std::filesystem::path> json;  // as many as servers, or none; so with html
  std::vector<std::filesystem::path> html;
};

/// The process's exit code.
int run_latency(const LatencyOptions& options);

}  // namespace octet::benchmarks

// How often completions are right, against how sure the engine was of them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/completion.h"

namespace octet::benchmarks {

/// Completions where the true text is known.
class Reliability {
 public:
  /// `truth` is what stood where `result` was asked for.
  void add(const std::string& file, std::size_t cursor, const engine::CompletionResult& result, const std::string& truth);

  Reliability& operator+=(const Reliability& other);

  /// Ten bins of how sure the engine was that the first 1, 4, 8, 16 bytes, or all of the first line, are right, and the share that was.
  void print_table() const;

  /// {"lengths": [{"bytes": null for the first line, "error", "bins": [{"n", "sure", "right"}]}], "completions": [{"file", "cursor",
  /// "stop_reason", "text", "probabilities", "right"}]}: `right` bytes at the start are the truth's. An error is the mean distance
  /// between sure and right. Without completions where `has_completions` is false.
  nlohmann::json json(bool has_completions) const;

  bool is_empty() const { return completions_.empty(); }

 private:
  struct Completion {
    std::string file;
    std::size_t cursor;
    engine::StopReason stop_reason;
    std::string text;
    std::vector<float> probabilities;
    std::size_t n_right;
  };

  struct Bin {
    std::size_t n = 0;
    std::size_t n_right = 0;
    double confidence = 0;  // sum
  };
  static constexpr std::size_t kNBins = 10;
  /// Of one length, and their mean error.
  struct Bins {
    std::array<Bin, kNBins> bins;
    double error = 0;
  };
  Bins bins_of(std::size_t length) const;

  std::vector<Completion> completions_;
};

}  // namespace octet::benchmarks

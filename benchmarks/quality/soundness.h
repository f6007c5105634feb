// Whether completions leave the documents as well formed as they were.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/completion.h"

namespace octet::benchmarks {

/// Completions of documents that octet has a grammar for; others are not counted.
class Soundness {
 public:
  /// `truth` is what stood where `result` was asked for.
  void add(const engine::CompletionRequest& request, const engine::CompletionResult& result, const std::string& truth);

  Soundness& operator+=(const Soundness& other);

  void print_table() const;
  /// {"completions", "with_text", "new_errors", "truth_new_errors", "duplicated_closers", "exact_lines", "right_bytes", "wrong_bytes",
  /// "syntax_ms": {"p50", "p99"}, "context_ms": {"p50", "p99"}}. A new error is a place that breaks the grammar beyond those that the
  /// document had without the completion; an exact line is right up to its end.
  nlohmann::json json() const;

  bool is_empty() const { return n_completions_ == 0; }
  std::size_t n_completions() const { return n_completions_; }
  std::size_t n_new_errors() const { return n_new_errors_; }

 private:
  std::size_t n_completions_ = 0;
  std::size_t n_with_text_ = 0;
  std::size_t n_new_errors_ = 0;
  std::size_t n_truth_new_errors_ = 0;
  std::size_t n_duplicated_closers_ = 0;
  std::size_t n_exact_lines_ = 0;
  std::size_t n_right_bytes_ = 0;
  std::size_t n_wrong_bytes_ = 0;
  std::vector<double> syntax_ms_;
  std::vector<double> context_ms_;
};

}  // namespace octet::benchmarks

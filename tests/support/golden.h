// The golden vectors of tests/golden: what an independent implementation of FORMAT.md computes in float64.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bytemodel/model_file.h"

namespace octet::tests {

struct GoldenCase {
  std::string name;
  std::vector<std::uint8_t> prompt;
  std::vector<double> hidden_last;                    // [d_model]
  std::vector<std::vector<double>> head_logits_last;  // [n_predict][256]
  std::vector<std::uint8_t> draft;                    // bytes 1..n_predict behind the prompt
  std::vector<double> draft_logits_last;              // [256]
  double bits_per_byte;
  std::vector<std::uint8_t> continuation;
  std::vector<std::size_t> gains;  // bytes kept by each verify step
  std::vector<double> margins;     // distance of the two best logits at each byte of the continuation
};

/// The root of the repository.
std::filesystem::path source_dir();

/// "seed", "tiny-linear" or "tiny-transformer".
std::vector<GoldenCase> load_golden(const std::string& name);
/// One of those, or "default": the model that users get.
bytemodel::ModelFile load_model(const std::string& name);
std::filesystem::path model_path(const std::string& name);

/// |a - b| relative to |b|, both taken as vectors.
double relative_distance(const std::vector<double>& expected, const float* found);

}  // namespace octet::tests

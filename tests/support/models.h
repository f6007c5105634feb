// Models made in a test.
#pragma once

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "bytemodel/model_file.h"
#include "bytemodel/model_writer.h"

namespace octet::tests {

/// Writes random weights of this shape; every number of the tensor `spoilt`, where one is named, is NaN.
inline void write_random_model(const std::filesystem::path& path, const bytemodel::ModelConfig& config, std::uint32_t seed,
                               const std::string& spoilt = "") {
  std::mt19937 random(seed);
  std::vector<std::vector<float>> values;
  std::vector<bytemodel::TensorView> tensors;
  for (const auto& spec : bytemodel::expected_tensors(config)) {
    std::size_t n = 1;
    for (const auto extent : spec.shape) n *= static_cast<std::size_t>(extent);
    const float range = std::sqrt(3.0F / static_cast<float>(spec.shape.back()));
    auto& numbers = values.emplace_back(n, 1.0F);
    for (auto& number : numbers) {
      if (spec.is_matrix()) number = range * (static_cast<float>(random() % 20001) / 10000.0F - 1.0F);
      if (spec.name == spoilt) number = NAN;
    }
    tensors.push_back({spec.name, bytemodel::DType::kF32, spec.shape, std::as_bytes(std::span(numbers))});
  }
  REQUIRE(bytemodel::write_model(path, tensors, config, "random").has_value());
}

/// The same, read back.
inline bytemodel::ModelFile random_model(const bytemodel::ModelConfig& config, std::uint32_t seed, const std::string& spoilt = "") {
  const auto path = std::filesystem::temp_directory_path() / ("octet-random-model-" + std::to_string(::getpid()) + ".safetensors");
  write_random_model(path, config, seed, spoilt);
  auto model = bytemodel::ModelFile::read(path);
  std::filesystem::remove(path);
  REQUIRE(model.has_value());
  return std::move(*model);
}

}  // namespace octet::tests

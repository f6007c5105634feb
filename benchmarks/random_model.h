// Models of chosen shape with random weights: as fast as trained ones of that shape, for timing.
#pragma once

#include <filesystem>
#include <string>

#include "bytemodel/model_config.h"
#include "bytemodel/result.h"

namespace octet::benchmarks {

enum class ShapeKind {
  kOctet,  // n-gram tables, eight linear heads and a draft cell, as the default model
  kLlama,  // what a Llama-architecture GGUF of this shape has: no tables, full attention, one head
};

/// "d,layers,heads,kv,ff,context", heads of d / heads numbers. Fails with kInvalidArgument and what was expected.
Result<bytemodel::ModelConfig> parse_shape(const std::string& shape, ShapeKind kind);

/// Writes a model of this shape as int8. Fails as bytemodel::write_model does.
Result<void> write_random_model(const std::filesystem::path& path, const bytemodel::ModelConfig& config);

}  // namespace octet::benchmarks

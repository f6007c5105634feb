// A model on disk that is whole: a safetensors file whose configuration is valid and whose tensors are exactly the
// ones that the configuration asks for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "bytemodel/aligned_floats.h"
#include "bytemodel/model_config.h"
#include "bytemodel/result.h"
#include "bytemodel/safetensors.h"

namespace octet::bytemodel {

inline constexpr const char* kModelFormat = "octet-1";

/// Immutable after read(); safe to share between threads.
class ModelFile {
 public:
  /// Fails as SafetensorsFile::read does, and with kMalformed or kUnsupported where the format, the configuration or a
  /// tensor is not as FORMAT.md has it; the message names the field or the tensor.
  static Result<ModelFile> read(const std::filesystem::path& path);

  const ModelConfig& config() const { return config_; }
  const std::string& name() const { return name_; }
  const SafetensorsFile& file() const { return file_; }
  /// A tensor of the configuration as it is stored: F32, or a matrix of I8 whose scales are tensor(NAME.scale), F32. CHECKs
  /// that it exists.
  const TensorView& tensor(std::string_view name) const;
  /// The numbers that a tensor of the configuration stands for, whatever its storage; a copy. CHECKs that it exists.
  AlignedFloats values(std::string_view name) const;

 private:
  ModelFile(SafetensorsFile file, ModelConfig config, std::string name);

  SafetensorsFile file_;
  ModelConfig config_;
  std::string name_;
};

}  // namespace octet::bytemodel

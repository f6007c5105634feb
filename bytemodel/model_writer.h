// Writes a safetensors file so that a reader sees either the old file or the whole new one.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "bytemodel/model_config.h"
#include "bytemodel/result.h"
#include "bytemodel/tensor_view.h"

namespace octet::bytemodel {

/// Writes `tensors` in the order given, data without holes, header padded to 8 bytes. The bytes go to a unique temporary
/// file beside `path`, which is flushed to the disk and then renamed; on failure (kUnreadable, with the system's reason)
/// the temporary file is removed and whatever was at `path` is untouched.
Result<void> write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                               const std::map<std::string, std::string>& metadata);

/// write_safetensors with the metadata of a model: format, name and configuration.
Result<void> write_model(const std::filesystem::path& path, std::span<const TensorView> tensors, const ModelConfig& config,
                         const std::string& name);

}  // namespace octet::bytemodel

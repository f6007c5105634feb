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

/// How the matrices of a model are stored.
enum class WeightType { kF32, kInt8 };

/// write_safetensors with the metadata of a model: format, name and configuration. With kInt8 all `tensors` are F32 and the
/// file has each matrix as int8 with its scales, behind everything that is F32, so that this stays aligned; fails with
/// kInvalidArgument and the tensor's name where a number is not finite.
Result<void> write_model(const std::filesystem::path& path, std::span<const TensorView> tensors, const ModelConfig& config,
                         const std::string& name, WeightType type = WeightType::kF32);

}  // namespace octet::bytemodel

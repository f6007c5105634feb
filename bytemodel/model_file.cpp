#include "bytemodel/model_file.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/check.h"

namespace octet::bytemodel {
namespace {

Result<void> check_tensors(const SafetensorsFile& file, const ModelConfig& config) {
  const auto expected = expected_tensors(config);
  for (const TensorSpec& spec : expected) {
    const TensorView* tensor = file.find(spec.name);
    if (tensor == nullptr) return fail(ErrorCode::kMalformed, fmt::format("tensor '{}' is missing", spec.name));
    if (tensor->shape != spec.shape) {
      return fail(ErrorCode::kMalformed, fmt::format("tensor '{}': the configuration asks for shape {}, the file has {}", spec.name,
                                                     to_string(spec.shape), to_string(tensor->shape)));
    }
    if (tensor->dtype != DType::kF32) {
      return fail(ErrorCode::kUnsupported, fmt::format("tensor '{}': type {}, this version reads F32", spec.name, name(tensor->dtype)));
    }
  }
  if (file.tensors().size() != expected.size()) {
    for (const TensorView& tensor : file.tensors()) {
      const bool known = std::any_of(expected.begin(), expected.end(), [&](const TensorSpec& s) { return s.name == tensor.name; });
      if (!known) return fail(ErrorCode::kMalformed, fmt::format("tensor '{}' belongs to no part of the configuration", tensor.name));
    }
  }
  return {};
}

}  // namespace

Result<ModelFile> ModelFile::read(const std::filesystem::path& path) {
  auto file = SafetensorsFile::read(path);
  if (!file) return tl::unexpected(file.error());
  const auto in_file = [&](Error error) { return fail(error.code, fmt::format("{}: {}", path.string(), error.message)); };

  const auto& metadata = file->metadata();
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != kModelFormat) {
    return in_file({ErrorCode::kUnsupported, fmt::format("__metadata__.format: expected '{}', found {}", kModelFormat,
                                                         format == metadata.end() ? "nothing" : "'" + format->second.substr(0, 40) + "'")});
  }
  const auto config_text = metadata.find("config");
  if (config_text == metadata.end()) return in_file({ErrorCode::kMalformed, "__metadata__.config is missing"});
  auto config = parse_model_config(config_text->second);
  if (!config) return in_file(config.error());
  if (auto checked = check_tensors(*file, *config); !checked) return in_file(checked.error());

  const auto name = metadata.find("name");
  return ModelFile(std::move(*file), std::move(*config), name == metadata.end() ? "unnamed" : name->second);
}

ModelFile::ModelFile(SafetensorsFile file, ModelConfig config, std::string name)
    : file_(std::move(file)), config_(std::move(config)), name_(std::move(name)) {}

const TensorView& ModelFile::tensor(std::string_view name) const {
  const TensorView* found = file_.find(name);
  OCTET_CHECK(found != nullptr);
  return *found;
}

}  // namespace octet::bytemodel

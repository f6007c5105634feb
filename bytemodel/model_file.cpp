#include "bytemodel/model_file.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/check.h"
#include "bytemodel/quantize.h"

namespace octet::bytemodel {
namespace {

tl::unexpected<Error> malformed(std::string message) { return fail(ErrorCode::kMalformed, std::move(message)); }

/// The tensor of this name, whose shape is as `spec` has it; `reason` is what stands behind "is missing".
Result<const TensorView*> find_tensor(const SafetensorsFile& file, const TensorSpec& spec, std::string_view reason) {
  const TensorView* tensor = file.find(spec.name);
  if (tensor == nullptr) return malformed(fmt::format("tensor '{}' is missing{}", spec.name, reason));
  if (tensor->shape != spec.shape) {
    return malformed(fmt::format("tensor '{}': the configuration asks for shape {}, the file has {}", spec.name, to_string(spec.shape),
                                 to_string(tensor->shape)));
  }
  return tensor;
}

Result<void> check_f32(const TensorView& tensor, std::string_view expected) {
  if (tensor.dtype != DType::kF32) {
    return fail(ErrorCode::kUnsupported, fmt::format("tensor '{}': type {}, expected {}", tensor.name, name(tensor.dtype), expected));
  }
  // Behind an I8 tensor a float can begin anywhere.
  const auto misplaced = reinterpret_cast<std::uintptr_t>(tensor.data.data()) % alignof(float);
  if (misplaced != 0) {
    return malformed(fmt::format("tensor '{}': expected its data at a multiple of {} bytes, found it {} behind one", tensor.name,
                                 alignof(float), misplaced));
  }
  return {};
}

/// What makes `matrix`, of type I8, stand for finite numbers.
Result<void> check_int8(const SafetensorsFile& file, const TensorSpec& spec, const TensorView& matrix) {
  const auto scales = find_tensor(file, spec.scales(), fmt::format(": '{}' is I8", spec.name));
  if (!scales) return tl::unexpected(scales.error());
  if (auto checked = check_f32(**scales, "F32"); !checked) return checked;
  const auto values = (*scales)->f32();
  const auto wrong = std::find_if_not(values.begin(), values.end(), [](float scale) { return scale >= 0 && scale <= kMaxScale; });
  if (wrong != values.end()) {
    return malformed(
        fmt::format("tensor '{}': element {} is {}, expected 0 to {}", (*scales)->name, wrong - values.begin(), *wrong, kMaxScale));
  }
  const auto quantized = matrix.i8();
  const auto unused = std::find(quantized.begin(), quantized.end(), std::numeric_limits<std::int8_t>::min());
  if (unused != quantized.end()) {
    return malformed(fmt::format("tensor '{}': element {} is {}, expected {} to {}", matrix.name, unused - quantized.begin(), *unused,
                                 -kMaxQuantized, kMaxQuantized));
  }
  return {};
}

Result<void> check_tensors(const SafetensorsFile& file, const ModelConfig& config) {
  std::set<std::string> known;
  for (TensorSpec& spec : expected_tensors(config)) {
    const auto tensor = find_tensor(file, spec, "");
    if (!tensor) return tl::unexpected(tensor.error());
    const bool is_int8 = spec.is_matrix() && (*tensor)->dtype == DType::kI8;
    auto checked = is_int8 ? check_int8(file, spec, **tensor) : check_f32(**tensor, spec.is_matrix() ? "F32 or I8" : "F32");
    if (!checked) return checked;
    if (is_int8) known.insert(spec.scales().name);
    known.insert(std::move(spec.name));
  }
  for (const TensorView& tensor : file.tensors()) {
    if (known.contains(tensor.name)) continue;
    const std::string owner = tensor.name.substr(0, tensor.name.rfind('.'));
    const bool is_orphan = tensor.name.ends_with(".scale") && known.contains(owner);
    return malformed(fmt::format("tensor '{}' belongs to no part of the configuration{}", tensor.name,
                                 is_orphan ? fmt::format(": '{}' is F32 and has no scales", owner) : ""));
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

  const auto found = metadata.find("name");
  std::string name = found == metadata.end() ? "unnamed" : found->second;
  return ModelFile(std::move(*file), std::move(*config), std::move(name));
}

ModelFile::ModelFile(SafetensorsFile file, ModelConfig config, std::string name)
    : file_(std::move(file)), config_(std::move(config)), name_(std::move(name)) {}

const TensorView& ModelFile::tensor(std::string_view name) const {
  const TensorView* found = file_.find(name);
  OCTET_CHECK(found != nullptr);
  return *found;
}

AlignedFloats ModelFile::values(std::string_view name) const {
  const TensorView& stored = tensor(name);
  if (stored.dtype == DType::kI8) return widen_rows(stored.i8(), tensor(stored.name + ".scale").f32());
  return {stored.f32().begin(), stored.f32().end()};
}

}  // namespace octet::bytemodel

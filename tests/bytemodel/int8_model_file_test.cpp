// Models whose matrices are int8: what the reader takes, what it refuses and by which name, and what the writer makes of f32.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "bytemodel/model_file.h"
#include "bytemodel/model_writer.h"
#include "bytemodel/quantize.h"
#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::DType;
using bytemodel::HeadKind;
using bytemodel::ModelConfig;
using bytemodel::ModelFile;
using bytemodel::TensorView;
using bytemodel::WeightType;

bool is_matrix(const OwnedTensor& tensor) { return tensor.shape.size() > 1; }

void set_float(std::string& data, std::size_t place, float value) { std::memcpy(&data[place * sizeof value], &value, sizeof value); }

/// The smallest model with the matrices that `is_int8` picks as int8, every number different from its neighbours; I8 last.
template <class Predicate>
std::vector<OwnedTensor> int8_tensors(const ModelConfig& config, Predicate is_int8) {
  std::vector<OwnedTensor> floats;
  std::vector<OwnedTensor> bytes;
  for (OwnedTensor& tensor : tensors_of(config)) {
    if (!is_matrix(tensor) || !is_int8(tensor)) {
      for (std::size_t i = 0; i * sizeof(float) < tensor.data.size(); ++i) set_float(tensor.data, i, 0.25F * static_cast<float>(i));
      floats.push_back(std::move(tensor));
      continue;
    }
    OwnedTensor scales{tensor.name + ".scale", DType::kF32, {tensor.shape.begin(), tensor.shape.end() - 1}, ""};
    scales.data.resize(shape_bytes(scales.shape, DType::kF32));
    for (std::size_t i = 0; i * sizeof(float) < scales.data.size(); ++i) set_float(scales.data, i, 0.1F * static_cast<float>(i));
    tensor.dtype = DType::kI8;
    tensor.data.resize(shape_bytes(tensor.shape, DType::kI8));
    for (std::size_t i = 0; i < tensor.data.size(); ++i) tensor.data[i] = static_cast<char>(static_cast<int>(i * 37 % 255) - 127);
    floats.push_back(std::move(scales));
    bytes.push_back(std::move(tensor));
  }
  floats.insert(floats.end(), bytes.begin(), bytes.end());
  return floats;
}

std::vector<OwnedTensor> int8_tensors(const ModelConfig& config) {
  return int8_tensors(config, [](const OwnedTensor&) { return true; });
}

OwnedTensor& named(std::vector<OwnedTensor>& tensors, const std::string& name) {
  return *std::find_if(tensors.begin(), tensors.end(), [&](const OwnedTensor& t) { return t.name == name; });
}

class Int8Folder {
 public:
  Result<ModelFile> read(const std::vector<OwnedTensor>& tensors) {
    write_file(path_, encode_safetensors(tensors, metadata_of(config)));
    return ModelFile::read(path_);
  }

  void check_refused(const std::vector<OwnedTensor>& tensors, ErrorCode code, const std::string& says) {
    const auto model = read(tensors);
    CAPTURE(says);
    REQUIRE_FALSE(model.has_value());
    CHECK(static_cast<int>(model.error().code) == static_cast<int>(code));
    CHECK_THAT(model.error().message, Catch::StartsWith(path_.string() + ": ") && Catch::Contains(says));
  }

  ModelConfig config = smallest_config(HeadKind::kTransformer);

 private:
  ScratchFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
};

/// For each matrix, a copy of the int8 model that `damage(tensors, name of the matrix)` has changed must be refused.
template <class Damage>
void check_each_matrix(ErrorCode code, const std::string& suffix, const std::string& says, Damage damage) {
  Int8Folder folder;
  const auto whole = int8_tensors(folder.config);
  REQUIRE(folder.read(whole).has_value());
  for (const OwnedTensor& tensor : whole) {
    if (tensor.dtype != DType::kI8) continue;
    auto tensors = whole;
    damage(tensors, tensor.name);
    folder.check_refused(tensors, code, "tensor '" + tensor.name + suffix + "'" + says);
  }
}

}  // namespace

TEST_CASE("any choice of matrices may be int8, and values are q times the row's scale") {
  Int8Folder folder;
  folder.config = smallest_config(GENERATE(HeadKind::kLinear, HeadKind::kTransformer));
  CHECK(rc::check("a mixture reads back", [&] {
    std::vector<OwnedTensor> tensors = int8_tensors(folder.config, [](const OwnedTensor&) { return *rc::gen::arbitrary<bool>(); });
    const auto model = folder.read(tensors);
    if (!model) RC_FAIL(model.error().message);
    for (const bytemodel::TensorSpec& spec : bytemodel::expected_tensors(folder.config)) {
      const OwnedTensor& stored = named(tensors, spec.name);
      RC_ASSERT(model->tensor(spec.name).dtype == stored.dtype);
      const auto values = model->values(spec.name);
      if (stored.dtype == DType::kF32) {
        RC_ASSERT(std::memcmp(values.data(), stored.data.data(), stored.data.size()) == 0);
        continue;
      }
      RC_ASSERT(values.size() == stored.data.size());
      RC_ASSERT(reinterpret_cast<std::uintptr_t>(values.data()) % 64 == 0U);
      const std::string& scales = named(tensors, spec.name + ".scale").data;
      const auto n_cols = static_cast<std::size_t>(spec.shape.back());
      for (std::size_t i = 0; i < values.size(); ++i) {
        float scale = 0;
        std::memcpy(&scale, &scales[i / n_cols * sizeof scale], sizeof scale);
        RC_ASSERT(values[i] == static_cast<float>(static_cast<signed char>(stored.data[i])) * scale);
      }
    }
  }));
}

TEST_CASE("an int8 matrix without its scales is named") {
  check_each_matrix(ErrorCode::kMalformed, ".scale", " is missing: '", [](auto& tensors, const std::string& name) {
    std::erase_if(tensors, [&](const OwnedTensor& t) { return t.name == name + ".scale"; });
  });
}

TEST_CASE("scales of another shape are named") {
  const int what = GENERATE(0, 1, 2, 3);
  check_each_matrix(ErrorCode::kMalformed, ".scale", ": the configuration asks for shape [", [&](auto& tensors, const std::string& name) {
    OwnedTensor& scales = named(tensors, name + ".scale");
    const std::vector<std::vector<std::int64_t>> shapes = {
        {scales.shape.front() + 1}, {scales.shape.front(), 1, 1}, {}, named(tensors, name).shape};
    scales.shape = shapes[static_cast<std::size_t>(what)];
    scales.data.assign(shape_bytes(scales.shape, DType::kF32), '\0');
  });
}

TEST_CASE("scales of another type are named") {
  const DType dtype = GENERATE(DType::kF16, DType::kBF16, DType::kF64, DType::kI32, DType::kI8);
  check_each_matrix(ErrorCode::kUnsupported, ".scale", ": type " + std::string(bytemodel::name(dtype)) + ", expected F32",
                    [&](auto& tensors, const std::string& name) {
                      OwnedTensor& scales = named(tensors, name + ".scale");
                      scales.dtype = dtype;
                      scales.data.assign(shape_bytes(scales.shape, dtype), '\0');
                    });
}

TEST_CASE("a scale that gives no finite numbers is named with its place") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float scale = GENERATE_COPY(std::numeric_limits<float>::quiet_NaN(), infinity, -infinity, -1.0F,
                                    -std::numeric_limits<float>::denorm_min(), std::nextafter(bytemodel::kMaxScale, infinity));
  CAPTURE(scale);
  check_each_matrix(ErrorCode::kMalformed, ".scale", ": element ", [&](auto& tensors, const std::string& name) {
    std::string& data = named(tensors, name + ".scale").data;
    set_float(data, data.size() / sizeof(float) - 1, scale);
  });
}

TEST_CASE("the scales at both ends of what is allowed are read") {
  Int8Folder folder;
  auto tensors = int8_tensors(folder.config);
  for (const float scale : {0.0F, std::numeric_limits<float>::denorm_min(), bytemodel::kMaxScale}) {
    set_float(named(tensors, "embed.scale").data, 0, scale);
    const auto model = folder.read(tensors);
    REQUIRE(model.has_value());
    for (const float value : model->values("embed")) CHECK(std::isfinite(value));
  }
}

TEST_CASE("an int8 of -128 is named with its place") {
  check_each_matrix(ErrorCode::kMalformed, "", ": element 0 is -128, expected -127 to 127",
                    [](auto& tensors, const std::string& name) { named(tensors, name).data.front() = '\x80'; });
  check_each_matrix(ErrorCode::kMalformed, "", ": element ",
                    [](auto& tensors, const std::string& name) { named(tensors, name).data.back() = '\x80'; });
}

TEST_CASE("a gain is never int8, with scales or without") {
  Int8Folder folder;
  const auto whole = int8_tensors(folder.config);
  int n_gains = 0;
  for (const OwnedTensor& tensor : whole) {
    if (is_matrix(tensor) || tensor.name.ends_with(".scale")) continue;
    ++n_gains;
    auto tensors = whole;
    OwnedTensor& gain = named(tensors, tensor.name);
    gain.dtype = DType::kI8;
    gain.data.assign(shape_bytes(gain.shape, DType::kI8), '\1');
    const std::string says = "tensor '" + tensor.name + "': type I8, expected F32";
    folder.check_refused(tensors, ErrorCode::kUnsupported, says);
    tensors.push_back({tensor.name + ".scale", DType::kF32, {}, std::string(4, '\0')});
    folder.check_refused(tensors, ErrorCode::kUnsupported, says);
  }
  CHECK(n_gains == 5 * 4 + 1);
}

TEST_CASE("scales of a tensor that is not int8 are named") {
  Int8Folder folder;
  const auto floats = tensors_of(folder.config);
  for (const OwnedTensor& tensor : floats) {
    auto tensors = floats;
    tensors.push_back({tensor.name + ".scale",
                       DType::kF32,
                       {tensor.shape.front()},
                       std::string(4 * static_cast<std::size_t>(tensor.shape.front()), '\0')});
    folder.check_refused(tensors, ErrorCode::kMalformed,
                         "tensor '" + tensor.name + ".scale' belongs to no part of the configuration: '" + tensor.name + "' is F32");
  }
  for (const std::string name : {"embed.scale.scale", ".scale", "scale", "layers.2.q_proj.scale", "embed.scales"}) {
    auto tensors = int8_tensors(folder.config);
    tensors.push_back({name, DType::kI8, {0}, ""});
    folder.check_refused(tensors, ErrorCode::kMalformed, "tensor '" + name + "' belongs to no part");
  }
}

TEST_CASE("floats that begin between multiples of four are named") {
  Int8Folder folder;
  auto tensors = int8_tensors(folder.config);
  std::rotate(tensors.begin(), &named(tensors, "cell.recur") - tensors.data() + tensors.begin(), tensors.end());  // 25 bytes, now first
  REQUIRE(tensors.front().name == "cell.recur");
  folder.check_refused(tensors, ErrorCode::kMalformed, "expected its data at a multiple of 4 bytes");
}

TEST_CASE("a model written as int8 has matrices within half a scale, gains as they were, and a quarter of the size") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  CAPTURE(name);
  const ScratchFolder folder;
  const auto path = folder / "int8.safetensors";
  const ModelFile model = load_model(name);
  REQUIRE(bytemodel::write_model(path, model.file().tensors(), model.config(), "rounded", WeightType::kInt8).has_value());
  const auto rounded = ModelFile::read(path);
  INFO((rounded ? "read" : rounded.error().message));
  REQUIRE(rounded.has_value());
  CHECK(rounded->name() == "rounded");
  CHECK(rounded->config() == model.config());
  // The n-gram tables' rows of 32 have a scale each, so a little more than a quarter; the tiny models are half header.
  if (name == "seed") CHECK(static_cast<double>(rounded->file().file_bytes()) < 0.28 * static_cast<double>(model.file().file_bytes()));
  for (const bytemodel::TensorSpec& spec : bytemodel::expected_tensors(model.config())) {
    CAPTURE(spec.name);
    const auto before = model.values(spec.name);
    const auto after = rounded->values(spec.name);
    REQUIRE(after.size() == before.size());
    if (spec.shape.size() == 1) {
      CHECK(rounded->tensor(spec.name).dtype == DType::kF32);
      CHECK(after == before);
      continue;
    }
    CHECK(rounded->tensor(spec.name).dtype == DType::kI8);
    const auto scales = rounded->tensor(spec.name + ".scale").f32();
    const auto n_cols = static_cast<std::size_t>(spec.shape.back());
    double worst = 0;  // in scales; the rounding of the product to f32 is 127 * 2^-24 of one at most
    for (std::size_t i = 0; i < before.size(); ++i) {
      const double scale = scales[i / n_cols];
      if (scale > 0) worst = std::max(worst, std::abs(static_cast<double>(after[i]) - static_cast<double>(before[i])) / scale);
      if (scale == 0 && before[i] != 0) worst = 1;
    }
    CHECK(worst <= 0.5 + 1e-5);
    CHECK(worst > 0);
  }
}

TEST_CASE("a model written as int8 again stays as it is") {
  const ScratchFolder folder;
  const ModelFile model = load_model("tiny-linear");
  REQUIRE(bytemodel::write_model(folder / "once", model.file().tensors(), model.config(), "x", WeightType::kInt8).has_value());
  const auto once = ModelFile::read(folder / "once");
  REQUIRE(once.has_value());
  std::vector<bytemodel::AlignedFloats> values;
  std::vector<TensorView> widened;
  for (const auto& spec : bytemodel::expected_tensors(model.config())) {
    values.push_back(once->values(spec.name));
    widened.push_back({spec.name, DType::kF32, spec.shape, std::as_bytes(std::span(values.back()))});
  }
  REQUIRE(bytemodel::write_model(folder / "twice", widened, model.config(), "x", WeightType::kInt8).has_value());
  const auto twice = ModelFile::read(folder / "twice");
  REQUIRE(twice.has_value());
  for (const auto& spec : bytemodel::expected_tensors(model.config())) {
    CAPTURE(spec.name);
    CHECK(std::ranges::equal(twice->tensor(spec.name).data, once->tensor(spec.name).data));
  }
}

TEST_CASE("matrices of any number of bytes are written so that they are read again, and one that is not finite is not") {
  const ScratchFolder folder;
  const ModelConfig config = smallest_config(HeadKind::kLinear);  // cell.recur has 25 bytes
  auto tensors = tensors_of(config);
  const auto path = folder / "model.safetensors";
  const auto write = [&] {
    std::vector<TensorView> views;
    for (const OwnedTensor& t : tensors) views.push_back({t.name, t.dtype, t.shape, std::as_bytes(std::span(t.data))});
    return bytemodel::write_model(path, views, config, "odd", WeightType::kInt8);
  };
  REQUIRE(write().has_value());
  const auto model = ModelFile::read(path);
  INFO((model ? "read" : model.error().message));
  CHECK(model.has_value());
  std::filesystem::remove(path);

  set_float(named(tensors, "unembed").data, 4 * 300 + 1, std::numeric_limits<float>::quiet_NaN());
  const auto written = write();
  REQUIRE_FALSE(written.has_value());
  CHECK(written.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(written.error().message, Catch::StartsWith(path.string() + ": tensor 'unembed': row 300, column 1: "));
  CHECK(folder.n_entries() == 0);
}

}  // namespace octet::tests

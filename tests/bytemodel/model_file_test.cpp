// A model file is whole or refused: the shipped models load; a tensor that is gone, renamed, reshaped, of another type or too
// many, and metadata that is missing or wrong, give an error that names it.
#include "bytemodel/model_file.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::DType;
using bytemodel::HeadKind;
using bytemodel::ModelConfig;
using bytemodel::ModelFile;

class ModelFolder {
 public:
  void check_refused(const std::vector<OwnedTensor>& tensors, const Metadata& metadata, ErrorCode code, const std::string& says) {
    write_file(path_, encode_safetensors(tensors, metadata));
    const auto model = ModelFile::read(path_);
    CAPTURE(says);
    REQUIRE_FALSE(model.has_value());
    CHECK(static_cast<int>(model.error().code) == static_cast<int>(code));
    CHECK_THAT(model.error().message, Catch::StartsWith(path_.string() + ": ") && Catch::Contains(says));
  }

  Result<ModelFile> read(const std::vector<OwnedTensor>& tensors, const Metadata& metadata) {
    write_file(path_, encode_safetensors(tensors, metadata));
    return ModelFile::read(path_);
  }

 private:
  ScratchFolder folder_;
  std::filesystem::path path_ = folder_ / "model.safetensors";
};

void reshape(OwnedTensor& tensor, std::vector<std::int64_t> shape, DType dtype = DType::kF32) {
  tensor.shape = std::move(shape);
  tensor.dtype = dtype;
  tensor.data.assign(shape_bytes(tensor.shape, dtype), 'r');
}

}  // namespace

TEST_CASE("the shipped models load with every tensor that their configuration asks for") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  CAPTURE(name);
  const auto model = ModelFile::read(model_path(name));
  REQUIRE(model.has_value());
  CHECK(model->name() == (name == "seed" ? "octet-seed" : name));
  CHECK(model->file().file_bytes() == std::filesystem::file_size(model_path(name)));
  const auto expected = bytemodel::expected_tensors(model->config());
  CHECK(model->file().tensors().size() == expected.size());
  for (const auto& spec : expected) {
    CAPTURE(spec.name);
    const auto& tensor = model->tensor(spec.name);
    CHECK(tensor.name == spec.name);
    CHECK(tensor.shape == spec.shape);
    CHECK(tensor.f32().size() * sizeof(float) == shape_bytes(spec.shape, DType::kF32));
    // Not a format rule, but a training run that went wrong must not ship.
    CHECK(std::all_of(tensor.f32().begin(), tensor.f32().end(), [](float x) { return x - x == 0.0F; }));
  }
}

TEST_CASE("a model stays valid when it moves") {
  ModelFile model = load_model("tiny-linear");
  const std::byte* data = model.tensor("embed").data.data();
  const ModelFile moved = std::move(model);
  CHECK(moved.tensor("embed").data.data() == data);
  CHECK(moved.name() == "tiny-linear");
}

TEST_CASE("the smallest model of each head kind loads") {
  const ModelConfig config = smallest_config(GENERATE(HeadKind::kLinear, HeadKind::kTransformer));
  ModelFolder folder;
  auto tensors = tensors_of(config);
  const auto model = folder.read(tensors, metadata_of(config));
  INFO((model ? "read" : model.error().message));
  REQUIRE(model.has_value());
  CHECK(model->config() == config);
  CHECK(model->name() == "smallest");
  std::reverse(tensors.begin(), tensors.end());
  CHECK(folder.read(tensors, metadata_of(config)).has_value());
}

TEST_CASE("a tensor that is not as the configuration has it is named") {
  const ModelConfig config = smallest_config(GENERATE(HeadKind::kLinear, HeadKind::kTransformer));
  const Metadata metadata = metadata_of(config);
  const auto whole = tensors_of(config);
  ModelFolder folder;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::string label = "tensor '" + whole[i].name + "'";

    auto tensors = whole;
    tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
    folder.check_refused(tensors, metadata, ErrorCode::kMalformed, label + " is missing");

    tensors = whole;
    tensors[i].name += "x";
    folder.check_refused(tensors, metadata, ErrorCode::kMalformed, label + " is missing");

    auto shapes = std::vector<std::vector<std::int64_t>>(5, whole[i].shape);
    std::reverse(shapes[0].begin(), shapes[0].end());  // transposed: as many bytes
    shapes[1].front() += 1;
    shapes[2].back() = 0;
    shapes[3].push_back(1);
    shapes[4] = {static_cast<std::int64_t>(whole[i].data.size() / sizeof(float)), 1, 1, 1};  // flattened
    for (const auto& shape : shapes) {
      if (shape == whole[i].shape) continue;  // a vector or a square has no transposed form
      tensors = whole;
      reshape(tensors[i], shape);
      folder.check_refused(tensors, metadata, ErrorCode::kMalformed, label + ": the configuration asks for shape");
    }
    for (const DType dtype : {DType::kF16, DType::kU8, DType::kBF16, DType::kF64, DType::kI32, DType::kU32}) {
      tensors = whole;
      reshape(tensors[i], whole[i].shape, dtype);
      folder.check_refused(tensors, metadata, ErrorCode::kUnsupported, label + ": type " + std::string(bytemodel::name(dtype)));
    }
  }
}

TEST_CASE("a tensor that no part of the configuration asks for is named") {
  const ModelConfig config = smallest_config(HeadKind::kLinear);
  ModelFolder folder;
  for (const std::string name : {"lm_head", "layers.2.q_proj", "heads.0.q_proj", "ngram.2", "embed.", "", "cell.in "}) {
    auto tensors = tensors_of(config);
    tensors.push_back({name, DType::kF32, {1}, std::string(4, 'x')});
    folder.check_refused(tensors, metadata_of(config), ErrorCode::kMalformed, "tensor '" + name + "' belongs to no part");
    tensors.back() = {name, DType::kI8, {0}, ""};
    folder.check_refused(tensors, metadata_of(config), ErrorCode::kMalformed, "tensor '" + name + "' belongs to no part");
  }
}

TEST_CASE("tensors that belong to another configuration are refused") {
  ModelFolder folder;
  const auto linear = smallest_config(HeadKind::kLinear);
  const auto transformer = smallest_config(HeadKind::kTransformer);
  folder.check_refused(tensors_of(linear), metadata_of(transformer), ErrorCode::kMalformed, "tensor 'heads.0.attn_norm' is missing");
  folder.check_refused(tensors_of(transformer), metadata_of(linear), ErrorCode::kMalformed, "belongs to no part");
  auto without_cell = linear;
  without_cell.cell_dim = 0;
  folder.check_refused(tensors_of(linear), metadata_of(without_cell), ErrorCode::kMalformed, "tensor 'cell.in' belongs");
  folder.check_refused(tensors_of(without_cell), metadata_of(linear), ErrorCode::kMalformed, "tensor 'cell.in' is missing");
  auto deeper = linear;
  deeper.n_layers = 3;
  deeper.window = {0, 0, 0};
  folder.check_refused(tensors_of(linear), metadata_of(deeper), ErrorCode::kMalformed, "tensor 'layers.2.attn_norm' is missing");
}

TEST_CASE("a format other than octet-1 is unsupported") {
  const ModelConfig config = smallest_config(HeadKind::kLinear);
  ModelFolder folder;
  for (const std::string format : {"", "octet", "octet-2", "octet-10", "Octet-1", "octet-1 ", "pt"}) {
    Metadata metadata = metadata_of(config);
    metadata["format"] = format;
    folder.check_refused(tensors_of(config), metadata, ErrorCode::kUnsupported,
                         "__metadata__.format: expected 'octet-1', found '" + format + "'");
  }
  Metadata metadata = metadata_of(config);
  metadata["format"] = std::string(100000, 'f');
  folder.check_refused(tensors_of(config), metadata, ErrorCode::kUnsupported, "__metadata__.format");
  metadata.erase("format");
  folder.check_refused(tensors_of(config), metadata, ErrorCode::kUnsupported, "__metadata__.format: expected 'octet-1', found nothing");
  folder.check_refused(tensors_of(config), {}, ErrorCode::kUnsupported, "__metadata__.format");
}

TEST_CASE("a configuration that is missing or broken is named") {
  const ModelConfig config = smallest_config(HeadKind::kLinear);
  ModelFolder folder;
  Metadata metadata = metadata_of(config);
  metadata.erase("config");
  folder.check_refused(tensors_of(config), metadata, ErrorCode::kMalformed, "__metadata__.config is missing");
  for (const std::string text : {"", "{", "[]", "null", "\"config\"", "{\"d_model\":4", "{}x"}) {
    metadata["config"] = text;
    folder.check_refused(tensors_of(config), metadata, ErrorCode::kMalformed, "config: expected a JSON object");
  }
  metadata["config"] = std::string(100000, '[');
  folder.check_refused(tensors_of(config), metadata, ErrorCode::kMalformed, "config: nested deeper");
  metadata["config"] = "{}";
  folder.check_refused(tensors_of(config), metadata, ErrorCode::kMalformed, "config.d_model: missing");
  ModelConfig odd = config;
  odd.head_dim = 3;
  folder.check_refused(tensors_of(config), metadata_of(odd), ErrorCode::kMalformed, "config.head_dim");
}

TEST_CASE("a model without a name is called unnamed, and metadata of others is kept") {
  const ModelConfig config = smallest_config(HeadKind::kLinear);
  ModelFolder folder;
  Metadata metadata = metadata_of(config);
  metadata.erase("name");
  metadata["licence"] = "MIT";
  const auto model = folder.read(tensors_of(config), metadata);
  REQUIRE(model.has_value());
  CHECK(model->name() == "unnamed");
  CHECK(model->file().metadata().at("licence") == "MIT");
}

}  // namespace octet::tests

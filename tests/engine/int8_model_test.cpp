// Files of int8 matrices in the f32 profile: computed exactly as the f32 file of the same numbers, and what rounding costs.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "bytemodel/model_writer.h"
#include "engine/model/f32_runner.h"
#include "tests/engine/bits_per_byte.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::DType;
using bytemodel::ModelFile;
using bytemodel::TensorView;
using bytemodel::WeightType;
using engine::F32Runner;
using Rows = engine::ModelRunner::Rows;

/// `tensors` written and read again as a model of this type.
ModelFile rewritten(std::span<const TensorView> tensors, const bytemodel::ModelConfig& config, WeightType type) {
  const auto path = std::filesystem::temp_directory_path() / ("octet-int8-model-" + std::to_string(::getpid()) + ".safetensors");
  REQUIRE(bytemodel::write_model(path, tensors, config, "rewritten", type).has_value());
  auto model = ModelFile::read(path);
  std::filesystem::remove(path);
  REQUIRE(model.has_value());
  return std::move(*model);
}

ModelFile as_int8(const ModelFile& model) { return rewritten(model.file().tensors(), model.config(), WeightType::kInt8); }

/// The f32 file of the numbers that an int8 file stands for, worked out here from what is stored.
ModelFile as_f32(const ModelFile& int8) {
  std::vector<std::vector<float>> values;
  std::vector<TensorView> tensors;
  for (const auto& spec : bytemodel::expected_tensors(int8.config())) {
    const TensorView& stored = int8.tensor(spec.name);
    if (stored.dtype == DType::kF32) {
      tensors.push_back(stored);
      continue;
    }
    const auto scales = int8.tensor(spec.name + ".scale").f32();
    const std::size_t n_cols = stored.data.size() / scales.size();
    auto& widened = values.emplace_back();
    for (std::size_t i = 0; i < stored.data.size(); ++i) {
      widened.push_back(static_cast<float>(static_cast<signed char>(stored.data[i])) * scales[i / n_cols]);
    }
    tensors.push_back({spec.name, DType::kF32, spec.shape, std::as_bytes(std::span(widened))});
  }
  return rewritten(tensors, int8.config(), WeightType::kF32);
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

TEST_CASE("an int8 file computes bit for bit what the f32 file of its numbers does, drafts included") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  ModelFile int8 = as_int8(load_model(name));
  REQUIRE(int8.tensor("unembed").dtype == DType::kI8);
  F32Runner wide(as_f32(int8), *kernels::select_kernels(""));
  F32Runner packed(std::move(int8), *kernels::select_kernels(""));
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name);
    const auto wide_cache = wide.new_cache();
    const auto packed_cache = packed.new_cache();
    const auto block = std::span(golden.prompt).first(std::min(golden.prompt.size(), wide.max_batch()));
    const auto expected = wide.forward(block, *wide_cache, Rows::kAll);
    const auto found = packed.forward(block, *packed_cache, Rows::kAll);
    for (std::size_t row = 0; row < block.size(); ++row) {
      if (!same_bits(expected[row], found[row])) FAIL("row " << row << " differs");
    }
    wide.begin_draft(block.size() - 1, *wide_cache);
    packed.begin_draft(block.size() - 1, *packed_cache);
    for (int head = 1; head < wide.config().n_predict; ++head) {
      CAPTURE(head);
      CHECK(same_bits(wide.next_draft(golden.draft[0]), packed.next_draft(golden.draft[0])));
    }
  }
}

TEST_CASE("rounding the seed's matrices to int8 costs at most 0.01 bits per byte") {
  const ModelFile seed = load_model("seed");
  F32Runner rounded(as_int8(seed), *kernels::select_kernels(""));
  double cost = 0;
  const auto cases = load_golden("seed");
  for (const GoldenCase& golden : cases) {
    const double found = bits_per_byte(rounded, golden.prompt);
    UNSCOPED_INFO(golden.name << ": " << golden.bits_per_byte << " in f32, " << found << " in int8");
    cost += (found - golden.bits_per_byte) / static_cast<double>(cases.size());
  }
  UNSCOPED_INFO("mean cost " << cost);
  CHECK(cost < 0.01);
  CHECK(cost > -0.01);  // rounding does not teach
}

}  // namespace octet::tests

#include "benchmarks/random_model.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "bytemodel/model_writer.h"

namespace octet::benchmarks {
namespace {

constexpr int kDefaultCell = 128;
constexpr int kTableRows = 32768;
constexpr int kTableWidth = 32;

std::vector<int> numbers_of(const std::string& text) {
  std::vector<int> numbers;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string field = text.substr(begin, end - begin);
    if (field.empty() || field.size() > 7 || field.find_first_not_of("0123456789") != std::string::npos) return {};
    numbers.push_back(std::stoi(field));
    begin = end + 1;
  }
  return numbers;
}

}  // namespace

Result<bytemodel::ModelConfig> parse_shape(const std::string& shape, ShapeKind kind) {
  const auto numbers = numbers_of(shape);
  if (numbers.size() != 6 || numbers[2] == 0 || numbers[0] % numbers[2] != 0) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("shape: expected d,layers,heads,kv,ff,context with d a multiple of heads, found '{}'", shape));
  }
  bytemodel::ModelConfig c;
  c.d_model = numbers[0];
  c.n_layers = numbers[1];
  c.n_heads = numbers[2];
  c.n_kv_heads = numbers[3];
  c.head_dim = numbers[0] / numbers[2];
  c.d_ff = numbers[4];
  c.max_context = numbers[5];
  c.rope_theta = 10000;
  c.norm_eps = 1e-5;
  c.window.assign(static_cast<std::size_t>(c.n_layers), 0);
  c.n_predict = 1;
  if (kind == ShapeKind::kOctet) {
    for (int i = 0; i < c.n_layers / 2; ++i) c.window[static_cast<std::size_t>(i)] = 256;
    c.ngram_orders = {3, 4, 5, 6, 8};
    c.ngram_rows = kTableRows;
    c.ngram_dim = kTableWidth;
    c.n_predict = 8;
    c.cell_dim = kDefaultCell;
  }
  return bytemodel::parse_model_config(bytemodel::to_json(c));  // where every bound is checked
}

Result<void> write_random_model(const std::filesystem::path& path, const bytemodel::ModelConfig& config) {
  std::mt19937 random(1);
  const auto specs = bytemodel::expected_tensors(config);
  std::vector<std::vector<float>> values;
  std::vector<bytemodel::TensorView> tensors;
  for (const auto& spec : specs) {
    std::size_t n = 1;
    for (const auto size : spec.shape) n *= static_cast<std::size_t>(size);
    // Gains are 1; rows of a matrix keep the size of what they multiply.
    const float range = spec.is_matrix() ? std::sqrt(3.0F / static_cast<float>(spec.shape.back())) : 0.0F;
    auto& tensor = values.emplace_back(n, 1.0F);
    if (spec.is_matrix()) {
      for (auto& value : tensor) value = range * (static_cast<float>(random() >> 8) / static_cast<float>(1 << 23) - 1.0F);
    }
  }
  for (std::size_t i = 0; i < specs.size(); ++i) {
    tensors.push_back({specs[i].name, bytemodel::DType::kF32, specs[i].shape, std::as_bytes(std::span(values[i]))});
  }
  return bytemodel::write_model(path, tensors, config, "random", bytemodel::WeightType::kInt8);
}

}  // namespace octet::benchmarks

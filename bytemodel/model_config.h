// The shape of a model: parsed from the `config` entry of a model file, every field checked before anything trusts it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel {

enum class HeadKind { kLinear, kTransformer };

/// Fields as in FORMAT.md, "Configuration". A value of this type that came from parse_model_config is consistent:
/// sizes are positive and bounded, so q_dim, kv_dim and ngram_dim * n_orders fit an int, products of three sizes an int64.
struct ModelConfig {
  int d_model = 0;
  int n_layers = 0;
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
  int d_ff = 0;
  int max_context = 0;  // prompt and completion together, in bytes
  double rope_theta = 0;
  double norm_eps = 0;
  std::vector<int> window;  // [n_layers]; 0 = all earlier positions
  std::vector<int> ngram_orders;
  int ngram_rows = 0;
  int ngram_dim = 0;
  int n_predict = 0;  // how many future bytes are predicted; head 1 is the primary one
  int cell_dim = 0;   // 0 = no draft cell
  HeadKind head_kind = HeadKind::kLinear;

  int q_dim() const { return n_heads * head_dim; }
  int kv_dim() const { return n_kv_heads * head_dim; }
  int n_orders() const { return static_cast<int>(ngram_orders.size()); }

  bool operator==(const ModelConfig&) const = default;
};

/// A tensor that a model of some configuration must have.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;

  /// A matrix may be stored as int8, a gain may not.
  bool is_matrix() const { return shape.size() > 1; }
  /// The tensor that holds the scales of this matrix when it is stored as int8: one a row.
  TensorSpec scales() const { return {name + ".scale", {shape.begin(), shape.end() - 1}}; }
};

/// Parses and checks the JSON text of a configuration. Fails with kMalformed or kUnsupported and a message that names
/// the field, what it must be and what was found. Fields that are not listed in FORMAT.md are ignored.
Result<ModelConfig> parse_model_config(std::string_view json);

/// The JSON text of `config`; parse_model_config gives the same value back.
std::string to_json(const ModelConfig& config);

/// Every tensor of a model with this configuration, in the order of FORMAT.md's table.
std::vector<TensorSpec> expected_tensors(const ModelConfig& config);

/// Parameters that enter matrix products, and those in lookup tables (embeddings and n-grams).
struct ParameterCount {
  std::int64_t dense = 0;
  std::int64_t tables = 0;
};
ParameterCount count_parameters(const ModelConfig& config);

}  // namespace octet::bytemodel

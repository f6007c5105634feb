// The byte model of FORMAT.md as a differentiable network: the trunk, its heads and the tensors by their names.
//
// One Network is used by one thread at a time. A replica shares the values and has gradients of its own, so that threads
// work on different sequences of one batch. Values change only between passes (optimiser).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>

#include "bytemodel/model_config.h"
#include "bytemodel/model_file.h"
#include "bytemodel/result.h"
#include "bytemodel/training/heads_loss.h"
#include "bytemodel/training/ops.h"
#include "bytemodel/training/table_lookup.h"

namespace octet::bytemodel::training {

struct Parameter {
  std::string name;  // as in FORMAT.md
  torch::Tensor value;
};

/// What the matrix products compute with. kBf16: bfloat16 operands and results, sums, parameters and gradients in float.
enum class Precision { kF32, kBf16 };

/// "f32" and "bf16".
std::string_view name(Precision precision);
Result<Precision> precision_from_name(std::string_view name);

class Network {
 public:
  /// Random values from `seed`; projections that write into the residual stream and unembeddings start at 0.
  static Network random(const ModelConfig& config, std::uint64_t seed, torch::Device device);
  /// The values of a model file.
  static Network from_file(const ModelFile& file, torch::Device device);

  /// Same storage, own gradients.
  Network replica() const;

  /// From now on passes compute so; replicas are to be made afterwards. A new network computes in float.
  void compute_in(Precision precision);
  /// Makes the bfloat16 copy of one parameter follow its value; nothing in float.
  void refresh_cast(std::size_t parameter_idx);

  const ModelConfig& config() const { return config_; }
  /// In the order of expected_tensors(config). The draft cell's are there too, but take no part in the passes below.
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// CHECKs that there is one of that name.
  const torch::Tensor& parameter(std::string_view name) const { return parameters_[index_of(name)].value; }
  /// What the passes since clear_gradients() added up; undefined where nothing did.
  torch::Tensor gradient(std::size_t parameter_idx) const;
  void clear_gradients();
  /// Turns gradients off for all but the parameters whose name begins with `prefix`.
  void train_only(std::string_view prefix);

  /// x[n_sequences, n_positions] of type uint8 on the CPU. Adds the gradients of heads_loss / n_normal and each head's sums.
  void accumulate_gradients(const torch::Tensor& x, const HeadWeights& weights, double n_normal, HeadSums& sums);
  /// The sums alone.
  void evaluate(const torch::Tensor& x, HeadSums& sums) const;

  /// Input vectors of each byte (FORMAT.md, "Forward", step 1): [n, d].
  torch::Tensor input_vectors(const torch::Tensor& x) const;
  /// Hidden states behind the last layer: [n, d].
  torch::Tensor trunk(const torch::Tensor& x) const;
  /// The normalised state that head `head_idx` reads; n_positions of one sequence.
  torch::Tensor head_input(const torch::Tensor& h, int head_idx, std::int64_t n_positions) const;

 private:
  Network(ModelConfig config, torch::Device device);
  void adopt(std::vector<Parameter> parameters);
  torch::Tensor block(const torch::Tensor& h, const std::string& prefix, int window, std::int64_t n_positions) const;
  RopeTable rope(std::int64_t n_positions) const;
  std::size_t index_of(std::string_view name) const;
  torch::Tensor cast(std::size_t parameter_idx) const;
  torch::Tensor project(const torch::Tensor& x, std::string_view name) const;
  torch::Dtype product_type() const { return casts_.empty() ? torch::kFloat : torch::kBFloat16; }

  ModelConfig config_;
  torch::Device device_;
  std::vector<Parameter> parameters_;
  std::vector<torch::Tensor> casts_;  // as parameters_, undefined where no product reads them; empty in float
  NgramTables tables_;
  RopeTable rope_;  // for max_context positions
};

}  // namespace octet::bytemodel::training

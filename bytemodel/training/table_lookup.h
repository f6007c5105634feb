// The n-gram tables as a differentiable lookup whose gradients add up in place: a dense gradient of millions of rows for
// each pass would cost more memory traffic than the rest of the pass.
#pragma once

#include <memory>
#include <vector>

#include <torch/types.h>

#include "bytemodel/model_config.h"

namespace octet::bytemodel::training {

/// Rows of each table for each position of x[n_sequences, n_positions] (uint8, CPU): [n_orders, n], int64.
torch::Tensor ngram_rows(const torch::Tensor& x, const ModelConfig& config);

struct NgramTables {
  std::vector<torch::Tensor> values;     // [n_orders] of [ngram_rows, ngram_dim]
  std::vector<torch::Tensor> gradients;  // the same; undefined = not trained
};

/// -> [n, n_orders * ngram_dim]. The backward pass adds to tables.gradients; `tables` outlives it.
torch::Tensor look_up(NgramTables& tables, const torch::Tensor& rows);

}  // namespace octet::bytemodel::training

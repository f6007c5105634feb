// Muon for the matrices of the blocks, AdamW for embeddings, tables, gains, unembeddings and the draft cell.
// Source: Jordan et al. 2024 (Muon), Loshchilov and Hutter 2019 (AdamW).
#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "bytemodel/training/network.h"
#include "bytemodel/training/worker_team.h"

namespace octet::bytemodel::training {

struct OptimiserOptions {
  double muon_rate = 0.02;
  double adam_rate = 0.003;
  double table_rate = 0.006;  // rows of the n-gram tables are rarely touched
  double momentum = 0.95;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double weight_decay = 0.01;  // of Muon's matrices, times the rate
};

/// Orthogonalises a matrix by five Newton-Schulz iterations: singular values end near 1. bfloat16 products are enough.
/// Source: Jordan et al. 2024.
torch::Tensor orthogonalise(const torch::Tensor& matrix, Precision precision);

class Optimiser {
 public:
  Optimiser(const Network& network, OptimiserOptions options, Precision precision);

  /// One update of `network`'s values by its gradients; rates are multiplied by `factor`. Parameters without a gradient stay.
  void step(Network& network, double factor, const WorkerTeam& team);

  /// What a resumed run needs, by names that tell parameter and moment. The tensors are the live ones.
  const std::vector<Parameter>& state() const { return state_; }

 private:
  struct Slot {
    bool is_muon = false;
    double rate = 0;
    torch::Tensor first;   // momentum or first moment
    torch::Tensor second;  // second moment; undefined for Muon
    torch::Tensor n_steps;
  };
  void update(const torch::Tensor& value, const torch::Tensor& gradient, Slot& slot, double factor) const;

  OptimiserOptions options_;
  Precision precision_;
  std::vector<Slot> slots_;  // as the network's parameters
  std::vector<Parameter> state_;
};

}  // namespace octet::bytemodel::training

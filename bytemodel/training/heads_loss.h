// Cross-entropy of all heads as one matrix product, chunk by chunk: the logits of a chunk become their own gradient while
// they are in the cache, so eight heads need no more memory than one.
// Source: Gloeckle et al. 2024, section 2 (the heads' backward passes one after another).
#pragma once

#include <vector>

#include <torch/types.h>

#include "bytemodel/training/head_weights.h"

namespace octet::bytemodel::training {

/// What each head predicted, summed over the positions that had a target.
struct HeadSums {
  std::vector<double> nats;           // [n_predict]
  std::vector<std::int64_t> n_bytes;  // [n_predict]

  explicit HeadSums(int n_predict) : nats(static_cast<std::size_t>(n_predict)), n_bytes(static_cast<std::size_t>(n_predict)) {}
  HeadSums& operator+=(const HeadSums& other);
  double bits_per_byte(int head_idx) const;
};

/// Targets of each head: row i of the result [n_predict, n] holds the byte i + 1 places after each position of
/// x[n_sequences, n_positions] (uint8), or -1 where the sequence is over or the byte is kPad. Type int16, on the CPU.
torch::Tensor head_targets(const torch::Tensor& x, int n_predict);

/// g: [n, d], the normalised output of the trunk; unembed: [n_heads, 256, d]; targets: [n_heads, n]. For g of type bfloat16
/// `cast` is unembed in that type.
/// -> the scalar sum_i trunk[i] / n_normal * nats[i], whose backward pass scales the gradient of unembed[i] by
/// own[i] / n_normal instead. Adds to `sums` at the heads first_head, first_head + 1, ...; heads whose own weight is 0 are
/// computed only where no gradient is asked for.
torch::Tensor heads_loss(const torch::Tensor& g, const torch::Tensor& unembed, const torch::Tensor& cast, const torch::Tensor& targets,
                         const HeadWeights& weights, double n_normal, HeadSums& sums, int first_head = 0);

namespace composed {
torch::Tensor heads_loss(const torch::Tensor& g, const torch::Tensor& unembed, const torch::Tensor& cast, const torch::Tensor& targets,
                         const HeadWeights& weights, double n_normal, HeadSums& sums, int first_head = 0);
}

}  // namespace octet::bytemodel::training

// The draft cell (FORMAT.md, "Drafting"): a small recurrence that makes each proposal depend on the ones before it.
// It is trained on a trunk that stands still, on the true text.
#pragma once

#include <torch/types.h>

#include "bytemodel/training/network.h"

namespace octet::bytemodel::training {

/// The cell's state for n rows and what it needs of the network. Thread-compatible, as the network.
class DraftCell {
 public:
  /// g: [n, d], the normalised states behind which bytes are drafted. CHECKs that the network has a cell.
  DraftCell(const Network& network, const torch::Tensor& g);

  /// What the cell adds to the logits of the next head, [n, 256], after the byte whose input vectors are e[n, d] (not normalised).
  torch::Tensor advance(const torch::Tensor& e);

 private:
  const Network& network_;
  torch::Tensor z_;
  torch::Tensor state_;
};

/// Cross-entropy of heads 2..n_predict with the cell's help at every `stride`-th position of x[1, n_positions]; adds the
/// gradients of the cell's tensors and each head's sums. `network` trains the cell alone (train_only("cell.")).
void accumulate_cell_gradients(Network& network, const torch::Tensor& x, int stride, double n_normal, HeadSums& sums);

}  // namespace octet::bytemodel::training

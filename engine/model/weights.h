// The tensors of a model file under the names that the forward pass uses.
#pragma once

#include <vector>

#include "bytemodel/model_file.h"

namespace octet::engine {

/// One transformer block: a layer of the trunk, or a transformer head. All row-major [out, in].
struct BlockWeights {
  const float* attn_norm;
  const float* ffn_norm;
  const float* q_proj;
  const float* k_proj;
  const float* v_proj;
  const float* o_proj;
  const float* q_norm;
  const float* k_norm;
  const float* gate_proj;
  const float* up_proj;
  const float* down_proj;
  int window;  // 0 = attends to all earlier positions
};

struct CellWeights {
  const float* in;
  const float* embed;
  const float* gate;
  const float* recur;
  const float* out;
};

/// Points into the ModelFile that it was made from, which must outlive it, and into `widened`.
struct Weights {
  explicit Weights(const bytemodel::ModelFile& model);
  Weights(const Weights&) = delete;
  Weights& operator=(const Weights&) = delete;

  const float* embed;
  std::vector<const float*> ngram;  // [n_orders]
  const float* ngram_proj;          // nullptr without n-grams
  std::vector<BlockWeights> layers;
  std::vector<BlockWeights> heads;  // empty for linear heads
  const float* final_norm;
  const float* unembed;
  CellWeights cell;  // all nullptr without a cell

  std::vector<bytemodel::AlignedFloats> widened;  // the tensors that the file has as int8
};

}  // namespace octet::engine

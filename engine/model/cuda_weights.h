// The weights of a model in the memory of a GPU, as kernels/cuda reads them, in int8 or bf16 whatever the file has; related matrices
// stacked so that one launch serves them.
#pragma once

#include <vector>

#include "bytemodel/model_file.h"
#include "engine/model/device_arena.h"
#include "kernels/cuda/arguments.h"

namespace octet::engine {

/// A layer of the trunk, or a transformer head.
struct CudaBlock {
  kernels::cuda::Matrix kv_q, out, gate_up, down;
  const float* attn_norm;
  const float* ffn_norm;
  const float* q_norm;
  const float* k_norm;
  int window;  // 0 = attends to all earlier positions
};

/// The rows of kv_q that make its first n_heads heads.
kernels::cuda::Matrix kv_q_heads(const CudaBlock& block, const bytemodel::ModelConfig& c, int n_heads);

/// Pointers into what the arena gave out.
struct CudaWeights {
  /// Puts the weights of `model` into the arena, or adds up what they take. `capacity`: positions that have angles.
  CudaWeights(const bytemodel::ModelFile& model, kernels::cuda::Format format, DeviceArena& arena, std::size_t capacity);

  kernels::cuda::Embedding embedding;
  std::vector<CudaBlock> layers;
  std::vector<CudaBlock> heads;  // empty for linear heads
  const float* final_norm;
  kernels::cuda::Matrix unembed;  // [n_predict * 256, d_model]
  kernels::cuda::Cell cell;
  const float* cosine;  // [capacity, head_dim / 2]
  const float* sine;
};

}  // namespace octet::engine

// The matrices of a model file as the int8 kernels read them: quantised where the file has floats, in panels, related ones
// stacked so that one product serves them.
//
// What is only looked up (embedding and n-gram tables) stays as rows of int8 with a scale each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/aligned_floats.h"
#include "bytemodel/model_file.h"
#include "engine/model/quantized_tensors.h"
#include "kernels/int8/packed.h"

namespace octet::engine {

/// Owns what a kernels::int8::PackedMatrix points to.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// rows[n, k] with scales[n].
  PackedMatrix(std::span<const std::int8_t> rows, std::span<const float> scales);

  kernels::int8::PackedMatrix view() const { return {values_.data(), scales_.data(), biases_.data(), n_, k_}; }
  int n_panels() const { return kernels::int8::n_panels(n_); }
  std::size_t size_bytes() const { return values_.size(); }

 private:
  int n_ = 0;
  int k_ = 0;
  std::vector<std::int8_t, bytemodel::AlignedAllocator<std::int8_t>> values_;
  std::vector<float> scales_;
  std::vector<std::int32_t> biases_;
};

/// Rows to look up: row i stands for values[i] * scales[i]. Does not own them.
struct RowTable {
  const std::int8_t* values = nullptr;
  const float* scales = nullptr;
  int row_size = 0;

  /// out[row_size] = the row.
  void copy_row(std::size_t row, float* out) const;
};

/// A layer of the trunk, or a transformer head.
struct PackedBlock {
  PackedMatrix kv_q;     // keys, values, queries, each from a whole panel on
  PackedMatrix out;      // o_proj
  PackedMatrix gate_up;  // panels of gate and up in turn
  PackedMatrix down;
  const float* attn_norm;
  const float* ffn_norm;
  const float* q_norm;
  const float* k_norm;
  int window;  // 0 = attends to all earlier positions

  std::size_t size_bytes() const { return kv_q.size_bytes() + out.size_bytes() + gate_up.size_bytes() + down.size_bytes(); }
};

/// Points into the ModelFile that it was made from, which must outlive it.
class PackedWeights {
 public:
  explicit PackedWeights(const bytemodel::ModelFile& model);
  PackedWeights(const PackedWeights&) = delete;
  PackedWeights& operator=(const PackedWeights&) = delete;

  RowTable embed;
  std::vector<RowTable> ngram;
  PackedMatrix ngram_proj;
  std::vector<PackedBlock> layers;
  std::vector<PackedBlock> heads;  // empty for linear heads
  const float* final_norm;
  std::vector<PackedMatrix> unembed;  // [n_predict], each [256, d_model]
  struct {
    PackedMatrix in, embed_gate, recur, out;  // embed and gate stacked, each from a whole panel on
  } cell;

  /// What a verify step reads of the matrices: all but the draft heads' and the cell's.
  std::size_t step_bytes() const;

 private:
  PackedBlock block(const std::string& prefix, int window);

  const bytemodel::ModelFile& model_;
  QuantizedTensors tensors_;
};

/// Rows of a matrix by which a part of a stack begins: the next whole panel.
constexpr int stacked_rows(int n) { return kernels::int8::n_panels(n) * kernels::int8::kPanel; }

}  // namespace octet::engine

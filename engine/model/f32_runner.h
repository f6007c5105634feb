// The f32 profile on the CPU: the forward pass of FORMAT.md, written plainly on top of kernels/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bytemodel/model_file.h"
#include "engine/model/model_runner.h"
#include "engine/model/weights.h"
#include "kernels/cpu/kernel_table.h"

namespace octet::engine {

/// One thread computes. Works on blocks of up to max_batch() positions so that a weight that was loaded serves them all;
/// every row's bits are the same for any block size.
class F32Runner final : public ModelRunner {
 public:
  F32Runner(bytemodel::ModelFile model, const kernels::KernelTable& kernels);

  using ModelRunner::forward;
  const bytemodel::ModelConfig& config() const override { return model_.config(); }
  const char* device() const override { return "cpu"; }
  const char* isa() const override { return kernels_.isa; }
  std::unique_ptr<KvCache> new_cache() const override;
  void copy_cache(const KvCache& from, KvCache& to) const override;
  std::size_t max_batch() const override { return kMaxBatch; }
  LogitsRows forward(std::span<const Piece> pieces, Rows rows) override;
  void begin_draft(std::size_t row, const KvCache& cache) override;
  LogitsRow next_draft(std::uint8_t previous) override;

  const bytemodel::ModelFile& model() const { return model_; }
  /// The trunk's output [d_model] at row `row` of the last forward(), for tests against golden vectors.
  std::span<const float> hidden(std::size_t row) const;

 private:
  static constexpr std::size_t kMaxBatch = 64;
  class CpuCache;

  /// One block more than the sequence may grow to: a verify step may look past the last byte that is kept.
  std::size_t cache_capacity() const { return static_cast<std::size_t>(config().max_context) + kMaxBatch; }
  void embed(std::span<const std::uint8_t> history, float* h);
  std::size_t forward_piece(const Piece& piece, Rows rows, float* hidden, float* logits);
  void project_keys_values(const BlockWeights& block, std::size_t block_idx, const float* h, std::size_t n_rows, std::size_t pos,
                           CpuCache& cache);
  void run_block(const BlockWeights& block, std::size_t block_idx, float* h, std::size_t n_rows, std::size_t pos, const CpuCache& cache);
  void rotate(float* heads, const float* gain, int n_heads, std::size_t pos);

  bytemodel::ModelFile model_;
  Weights weights_;
  const kernels::KernelTable& kernels_;

  // Tables and scratch, sized once. [B] is kMaxBatch.
  std::vector<float> cosine_, sine_;  // [capacity, head_dim / 2]
  std::vector<float> grams_;          // [n_orders * ngram_dim]
  std::vector<float> hidden_;         // [B, d_model], the trunk's output
  std::vector<float> head_hidden_;    // [B, d_model], a transformer head's
  std::vector<float> normed_;         // [B, d_model]
  std::vector<float> q_, mixed_;      // [B, q_dim]
  std::vector<float> scores_;         // [capacity rounded up]
  std::vector<float> gate_, up_;      // [B, d_ff]
  std::vector<float> delta_;          // [B, d_model], what a sub-layer adds
  std::vector<float> logits_;         // [B, 256]

  // The chain of proposals.
  struct Draft {
    int head_idx = 0;
    std::size_t pos = 0;                            // of the row that the chain started from
    const CpuCache* cache = nullptr;                // for transformer heads
    std::vector<std::uint8_t> history;              // the last bytes of the sequence, proposals included
    std::vector<float> hidden;                      // [d_model], the trunk's output at pos
    std::vector<float> normed;                      // [d_model], final-normed
    std::vector<float> embedded;                    // [d_model]
    std::vector<float> state;                       // c [cell_dim]
    std::vector<float> from_trunk;                  // z [cell_dim]
    std::vector<float> recur, from_embedded, gate;  // [cell_dim]
    std::vector<float> row, cell_row;               // [256]
  };
  Draft draft_;
};

}  // namespace octet::engine

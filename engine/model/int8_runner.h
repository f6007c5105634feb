// The int8 profile on the CPU: what users run. The forward pass of FORMAT.md over the kernels of kernels/int8, shared by a team of
// threads.
//
// A row's bits are the same for any batch, chunk, number of threads and instruction set: sums of products are exact integers, and
// the rest has one order of its own (kernels/reference/int8_ops.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bytemodel/model_file.h"
#include "engine/model/int8_cache.h"
#include "engine/model/model_runner.h"
#include "engine/model/packed_weights.h"
#include "engine/model/thread_team.h"
#include "kernels/int8/int8_kernels.h"

namespace octet::engine {

class Int8Runner final : public ModelRunner {
 public:
  /// All matrices of `model` must be finite (open_runner checks).
  Int8Runner(bytemodel::ModelFile model, const kernels::int8::Kernels& kernels, unsigned n_threads);

  using ModelRunner::forward;
  const bytemodel::ModelConfig& config() const override { return model_.config(); }
  const char* device() const override { return "cpu"; }
  const char* isa() const override { return kernels_.isa; }
  std::unique_ptr<KvCache> new_cache() const override;
  void copy_cache(const KvCache& from, KvCache& to) const override {
    static_cast<Int8Cache&>(to).copy(static_cast<const Int8Cache&>(from));
  }
  std::size_t max_batch() const override { return kMaxBatch; }
  LogitsRows forward(std::span<const Piece> pieces, Rows rows) override;
  void begin_draft(std::size_t row, const KvCache& cache) override;
  LogitsRow next_draft(std::uint8_t previous) override;

  /// The trunk's output [d_model] at row `row` of the last forward(), for tests.
  std::span<const float> hidden(std::size_t row) const;
  const PackedWeights& weights() const { return weights_; }
  void wake() override { team_.wake(); }
  void rest() override { team_.rest(); }

  const ThreadTeam& team() const { return team_; }

 private:
  using Member = ThreadTeam::Member;

  static constexpr int kMaxBatch = 64;
  /// Steps of so many rows are worth waiting for threads that sleep.
  static constexpr int kLongStep = 8;
  // Up to this many rows each member quantises all of them for itself: that takes less time than to share the work and wait.
  static constexpr int kOwnRows = 8;
  // Rows that attend together: a block of keys is read once for all of them.
  static constexpr int kAttentionRows = 8;

  std::size_t cache_capacity() const { return static_cast<std::size_t>(config().max_context) + kMaxBatch; }

  /// Rows to be computed that belong to one sequence and are consecutive in it.
  struct Run {
    int first_row;
    int n_rows;
    std::size_t pos;  // of the first row
    const Int8Cache* cache;
  };

  /// What a block computes for which rows.
  struct BlockStep {
    int n_rows;
    int first_query;            // the rows from here on attend and pass through the feed-forward part; n_rows: none
    bool appends;               // keys and values of all rows, else they are in the cache
    std::span<const Run> runs;  // of the rows that attend
  };

  /// Quantised rows, of one member or of all.
  class RowBuffer {
   public:
    RowBuffer(int n_rows, int k);
    kernels::int8::Rows from(int row) { return {values_.data() + static_cast<std::size_t>(row) * stride_, scales_.data() + row}; }

   private:
    std::size_t stride_;
    std::vector<std::uint8_t, bytemodel::AlignedAllocator<std::uint8_t>> values_;
    std::vector<float> scales_;
  };
  struct Scratch {  // of one member
    explicit Scratch(const bytemodel::ModelConfig& c);
    RowBuffer rows;
    std::vector<std::int64_t> begin, end;  // [kAttentionRows * group]
    std::vector<float*> out;
  };

  const float* cosine_of(std::size_t pos) const { return &cosine_[pos * static_cast<std::size_t>(config().head_dim / 2)]; }
  const float* sine_of(std::size_t pos) const { return &sine_[pos * static_cast<std::size_t>(config().head_dim / 2)]; }
  int group() const { return config().n_heads / config().n_kv_heads; }
  void embed(std::span<const std::uint8_t> history, float* grams, float* h) const;
  void embed_rows(const Member& member, std::span<const Piece> pieces, int n_rows);
  template <class Quantize>
  kernels::int8::Rows quantized(const Member& member, int first, int end, int k, Quantize quantize);
  void project(const Member& member, const PackedBlock& block, const float* h, const BlockStep& step);
  void run_block(const Member& member, const PackedBlock& block, std::size_t block_idx, float* h, const BlockStep& step);
  void append_kv(const PackedBlock& block, std::size_t block_idx, int kv_head, int row);
  void prepare_queries(const PackedBlock& block, int kv_head, int row);
  int append(std::span<const Piece> pieces);
  void attend(const Member& member, const PackedBlock& block, std::size_t block_idx, int kv_head, const Run& run);
  void product(const Member& member, kernels::int8::Rows x, int m, const PackedMatrix& w, bool add, float* y, std::ptrdiff_t stride);

  bytemodel::ModelFile model_;
  PackedWeights weights_;
  const kernels::int8::Kernels& kernels_;
  ThreadTeam team_;

  // Where parts of a kv_q row begin.
  int value_at_, query_at_, kv_q_width_;

  float attention_scale_;
  std::vector<float> cosine_, sine_;  // [capacity, head_dim / 2]
  // [kMaxBatch] rows each, shared by the members.
  std::vector<float> hidden_;       // [d_model] the trunk's output
  std::vector<float> head_hidden_;  // [d_model] a transformer head's
  std::vector<float> grams_;        // [n_orders * ngram_dim]
  std::vector<float> kv_q_;         // [kv_q_width_]
  std::vector<float> mixed_;        // [q_dim]
  std::vector<float> active_;       // [d_ff]
  std::vector<float> logits_;       // [256]
  RowBuffer rows_;                  // of the widest input
  RowBuffer queries_;               // [n_kv_heads][kMaxBatch][group] rows of head_dim
  std::vector<Scratch> scratch_;    // [n_threads]
  std::vector<Run> runs_;           // of this step, at most kAttentionRows rows each
  std::vector<std::size_t> pos_;    // [kMaxBatch] of each row
  std::vector<Int8Cache*> cache_;   // [kMaxBatch] of each row

  // The chain of proposals.
  struct Draft {
    explicit Draft(const bytemodel::ModelConfig& c);
    int head_idx = 0;
    std::size_t pos = 0;                // of the row that the chain started from
    const Int8Cache* cache = nullptr;   // for transformer heads
    std::vector<std::uint8_t> history;  // the last bytes of the sequence, proposals included
    std::vector<float> hidden;          // [d_model] the trunk's output at pos
    RowBuffer normed;                   // [d_model] the same, final-normed
    RowBuffer input;                    // of the widest
    std::vector<float> grams, embedded;
    std::vector<float> state, from_trunk, recur, embed_gate;  // [cell_dim], the last twice that in whole panels
    std::vector<float> row;                                   // [256]
  };
  Draft draft_;
};

}  // namespace octet::engine

// The forward pass and the chain of proposals on a GPU: its weights, its buffers, and the graphs of launches that compute a step.
//
// A step has up to eight positions; what it is about lies in the device's memory, so that the same graphs serve all steps: with the primary
// head, with proposals behind the row that the device itself accepts, and proposals alone. A chunk of a prompt has up to 64 positions and
// graphs of its own: all layers, and the primary head of its last row. Where there is cuBLASLt a long chunk has up to 512: its products are
// bound by arithmetic, and cuBLASLt is good at that. What costs a chunk the reading of the weights costs a long one three times that, since
// cuBLASLt wants them as plain rows, which nobody else needs: below half of a long chunk there are chunks.
//
// Thread: one at a time. What fails stays (kernels/cuda/device.h): then every call is false.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/model_file.h"
#include "bytemodel/result.h"
#include "engine/model/cuda_weights.h"
#include "engine/model/device_arena.h"
#include "engine/model/kv_rings.h"
#include "kernels/cuda/device.h"

namespace octet::engine {

class CudaSteps {
 public:
  static constexpr std::size_t kMaxBatch = kernels::cuda::kChunkRows;
  static constexpr int kStepMs = 500;  // the CPU has to answer within a second

  /// Caches that there is room for in any case: an editor's completion and its alternatives are decoded together.
  static constexpr std::size_t kMinCaches = 3;

  /// Loads `model` in a format. Fails with kUnsupported where its sizes are beyond the kernels or the device, with kTooLarge where it takes
  /// more than `max_bytes` (0: what is free) even without long chunks, before anything is allocated, or where others were faster; and as
  /// the device does.
  static Result<std::unique_ptr<CudaSteps>> open(const bytemodel::ModelFile& model, kernels::cuda::Format format,
                                                 std::unique_ptr<kernels::cuda::Device> device, std::size_t max_bytes);

  kernels::cuda::Format format() const { return format_; }
  /// The most positions of a sequence that forward() takes where the last row is wanted: a long chunk, or kMaxBatch.
  std::size_t max_prefill() const { return std::max(long_rows_, kMaxBatch); }
  const char* device_name() const { return device_->name(); }
  const char* error() const { return error_.empty() ? device_->error() : error_.c_str(); }
  /// What the weights, the buffers and kMinCaches take.
  std::size_t memory_bytes() const { return memory_bytes_; }
  std::size_t cache_bytes() const { return cache_bytes_; }
  int n_launches() const { return n_launches_; }  // of a step, proposals included

  KvRings new_rings() const;
  /// Memory for the keys and values of a sequence; nullptr where there is none, or where no more may be taken. Zeros in bf16: a weight of 0
  /// makes nothing of any integer that was never written, but not of a NaN.
  std::byte* allocate_cache();
  bool copy_cache(const std::byte* from, std::byte* to);

  /// A byte to be computed: the sequence up to and with it, and its cache.
  struct Position {
    std::span<const std::uint8_t> text;
    std::byte* cache;
  };
  enum class Want { kLastRow, kRows, kRowsAndProposals };
  /// Computes up to kMaxBatch positions, those of a sequence one behind the other: a row for each; or up to max_prefill() of one sequence,
  /// and the last one's row.
  bool forward(std::span<const Position> positions, Want want);
  /// Of a position of the last forward() that has one.
  const float* row(std::size_t position) const { return results_->logits[position - first_result_]; }

  /// Proposals behind row `row` of the last forward(), which is at `at`, with the first bytes given: proposal i has the row
  /// proposal_row(i). Costs nothing where the device has made those already.
  bool propose(std::size_t row, const Position& at, std::span<const std::uint8_t> given);
  const float* proposal_row(std::size_t i) const { return results_->proposals[i]; }

 private:
  /// In the host's memory, where the device writes it.
  struct Results {
    float logits[kMaxBatch][kernels::cuda::kVocabulary];
    kernels::cuda::Verdict verdict;
    float proposals[kernels::cuda::kMaxPredict][kernels::cuda::kVocabulary];
  };
  struct Requests {
    kernels::cuda::Step steps[kernels::cuda::kLongRows / kernels::cuda::kChunkRows + 1];  // kMaxBatch / kMaxRows are fewer
    kernels::cuda::DraftStep draft;
  };

  /// Plans; allocates nothing.
  CudaSteps(const bytemodel::ModelFile& model, kernels::cuda::Format format, std::unique_ptr<kernels::cuda::Device> device,
            bool may_be_long);
  void take_buffers(DeviceArena& arena, const CudaWeights& weights);
  void record();
  void record_block(const CudaBlock& block, std::size_t block_idx, const kernels::cuda::Step* step, const float* from, float* to,
                    bool is_draft);
  void record_kv(const CudaBlock& block, std::size_t block_idx);
  void record_attention(const kernels::cuda::Step* step, std::size_t block_idx, std::size_t max_runs);
  kernels::cuda::QkvArgs qkv(const CudaBlock& block, std::size_t block_idx, const kernels::cuda::Step* step, const float* from) const;
  void record_logits(const kernels::cuda::Step* step, const float* hidden, std::ptrdiff_t hidden_stride, int first, int n);
  void record_step(bool with_proposals);
  void record_chunk(bool is_long);
  void record_chunk_heads(const CudaBlock& block, std::size_t block_idx, int n_heads, bool is_long);
  void record_last_row();
  kernels::cuda::ChunkRows chunk_rows(int k, bool is_long) const;
  void quantize(const float* x, const float* gain, const kernels::cuda::ChunkRows& rows, int k);
  void multiply(kernels::cuda::ChunkProductArgs::Kind kind, const kernels::cuda::ChunkRows& rows, const kernels::cuda::Matrix& w, float* to,
                int d_ff = 0);
  void record_proposals(bool has_logits);
  void launch(const auto& args);
  /// Lays out the positions [first, first + n) as a step in the host's memory and sends it.
  void send_step(std::size_t request, std::span<const Position> positions, std::size_t first, std::size_t n);
  kernels::cuda::Row row_of(const Position& position) const;
  std::ptrdiff_t logits_stride() const { return static_cast<std::ptrdiff_t>(max_prefill()) * kernels::cuda::kVocabulary; }
  bool wait() { return error_.empty() && device_->wait(kStepMs); }
  bool are_numbers(const float* values, std::size_t n);

  bytemodel::ModelConfig config_;
  kernels::cuda::Format format_;
  std::unique_ptr<kernels::cuda::Device> device_;
  std::size_t long_rows_;  // of a long chunk; 0: there are none
  std::size_t capacity_;
  std::vector<CudaWeights> weights_;        // one, once it is loaded
  std::vector<kernels::cuda::KvLayer> kv_;  // of layers and heads
  std::size_t cache_bytes_ = 0;
  std::size_t memory_bytes_ = 0;
  std::size_t n_caches_left_ = 0;  // that may still be allocated
  std::string error_;

  // On the device.
  struct Buffers {
    kernels::cuda::Step* step;
    kernels::cuda::DraftStep* draft;
    // [B] is max_prefill().
    float* hidden;       // [B, d_model]
    float* head_hidden;  // [n_predict][B, d_model] of transformer heads
    std::byte* queries;
    float* query_scales;
    float* partial;
    int* n_done;
    float* mixed;
    float* active;
    float* numbers;        // [B, of kv_q] of a chunk
    unsigned* rows;        // of a chunk, as the next product takes them
    float* row_scales;     // [B]
    unsigned* plain;       // of a long chunk: the weights of the next product
    void* sums;            // and what it makes
    std::byte* workspace;  // cuBLASLt's
    float* logits;         // [n_predict][B, 256]
    kernels::cuda::Verdict* verdict;
    float* proposals;  // [n_predict - 1, 256]
  } buffers_{};
  int long_graph_ = -1, chunk_graph_ = -1, last_row_graph_ = -1, rows_graph_ = -1, step_graph_ = -1, draft_graph_ = -1;
  int n_launches_ = 0;

  Requests* requests_ = nullptr;
  Results* results_ = nullptr;
  std::size_t first_result_ = 0;  // the position whose row is the first of the results
  // Whether the results hold proposals that belong to the last forward().
  bool has_proposals_ = false;
};

}  // namespace octet::engine

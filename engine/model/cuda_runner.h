// A model on a GPU, with the CPU behind it. In the int8 profile both have the same bits, so that it does not matter who computed what. The
// bf16 profile is the GPU's alone: behind it the CPU computes in f32.
//
// Where the GPU fails (no memory, an error, no answer, no numbers), in whatever call, the CPU takes over for good: it computes again what
// its caches lack, from the bytes that they hold, and answers. device() and trouble() say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bytemodel/model_file.h"
#include "engine/model/cuda_caches.h"
#include "engine/model/cuda_steps.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

class CudaRunner final : public ModelRunner {
 public:
  using MakeCpuRunner = std::function<std::unique_ptr<ModelRunner>(bytemodel::ModelFile)>;

  /// `steps` was opened with `model`, which is kept for the CPU; `make_cpu_runner` makes one with at least the same max_batch().
  CudaRunner(bytemodel::ModelFile model, std::unique_ptr<CudaSteps> steps, MakeCpuRunner make_cpu_runner);
  ~CudaRunner() override;

  using ModelRunner::forward;
  const bytemodel::ModelConfig& config() const override { return config_; }
  const char* device() const override { return cpu_ == nullptr ? "cuda" : cpu_->device(); }
  const char* isa() const override { return cpu_ == nullptr ? steps_->device_name() : cpu_->isa(); }
  std::string trouble() const override { return trouble_; }
  std::unique_ptr<KvCache> new_cache() const override;
  void copy_cache(const KvCache& from, KvCache& to) const override;
  std::size_t max_batch() const override { return CudaSteps::kMaxBatch; }
  std::size_t max_prefill() const override { return cpu_ == nullptr ? steps_->max_prefill() : cpu_->max_prefill(); }
  LogitsRows forward(std::span<const Piece> pieces, Rows rows) override;
  void begin_draft(std::size_t row, const KvCache& cache) override;
  LogitsRow next_draft(std::uint8_t previous) override;
  void wake() override {
    if (cpu_ != nullptr) cpu_->wake();
  }
  void rest() override {
    if (cpu_ != nullptr) cpu_->rest();
  }

  const CudaSteps& steps() const { return *steps_; }

 private:
  class Cache;

  bool forward_on_gpu(std::span<const Piece> pieces, Rows rows);
  void append_positions(Cache& cache, std::size_t begin, std::size_t end);
  bool provide(Cache& cache, std::span<const CudaCaches::Place* const> kept);
  LogitsRows forward_on_cpu(std::span<const Piece> pieces, Rows rows);
  void catch_up(const Cache& cache, std::size_t length);
  void take_over();
  void begin_draft_on_cpu();

  bytemodel::ModelConfig config_;
  std::vector<bytemodel::ModelFile> model_;  // one, until the CPU has it
  std::unique_ptr<CudaSteps> steps_;         // lives on, because caches have its memory
  mutable CudaCaches caches_;
  MakeCpuRunner make_cpu_runner_;
  std::unique_ptr<ModelRunner> cpu_;  // once it has taken over
  std::string trouble_;

  std::vector<CudaSteps::Position> positions_;  // of this step
  // The chain of proposals.
  struct Draft {
    std::size_t row = 0;
    const Cache* cache = nullptr;
    std::vector<std::uint8_t> given;
    bool is_of_cpu = false;  // the row is one of the CPU's last forward()
  } draft_;
  bool has_cpu_rows_ = false;
  std::size_t n_before_cpu_rows_ = 0;  // bytes of the last forward() that the CPU took before those of its last call
};

}  // namespace octet::engine

#include "engine/model/cuda_runner.h"

#include <algorithm>
#include <utility>

#include "bytemodel/check.h"

namespace octet::engine {

namespace {

std::size_t common_prefix(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  const auto n = std::min(a.size(), b.size());
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first - a.begin());
}

}  // namespace

/// The bytes of a sequence, its keys and values on the GPU, and, once the CPU has taken over, on the CPU.
class CudaRunner::Cache final : public KvCache {
 public:
  Cache(std::size_t capacity, CudaSteps& steps, std::byte* on_gpu)
      : KvCache(capacity), rings(steps.new_rings()), memory(on_gpu), steps_(steps) {}
  ~Cache() override {
    if (memory != nullptr) steps_.release_cache(memory);
  }

  // The CPU's cache is brought up to date whenever it is used.
  std::size_t reusable(std::size_t length) const override { return on_cpu != nullptr ? length : rings.reusable(length); }

  void copy(const Cache& from) {
    copy_bytes(from);
    rings = from.rings;
  }

  KvRings rings;
  std::byte* memory;  // of the GPU; nullptr where there was none
  mutable std::unique_ptr<KvCache> on_cpu;

 private:
  CudaSteps& steps_;
};

CudaRunner::CudaRunner(bytemodel::ModelFile model, std::unique_ptr<CudaSteps> steps, MakeCpuRunner make_cpu_runner)
    : config_(model.config()), steps_(std::move(steps)), make_cpu_runner_(std::move(make_cpu_runner)) {
  model_.push_back(std::move(model));
}

CudaRunner::~CudaRunner() = default;

std::unique_ptr<KvCache> CudaRunner::new_cache() const {
  const std::size_t capacity = static_cast<std::size_t>(config_.max_context) + CudaSteps::kMaxBatch;
  return std::make_unique<Cache>(capacity, *steps_, cpu_ == nullptr ? steps_->allocate_cache() : nullptr);
}

void CudaRunner::copy_cache(const KvCache& from, KvCache& to) const {
  const auto& source = static_cast<const Cache&>(from);
  auto& target = static_cast<Cache&>(to);
  target.copy(source);
  if (cpu_ == nullptr) {
    // Where this fails the next forward() hears of it.
    if (source.memory != nullptr && target.memory != nullptr) steps_->copy_cache(source.memory, target.memory);
  } else if (source.on_cpu != nullptr) {
    if (target.on_cpu == nullptr) target.on_cpu = cpu_->new_cache();
    cpu_->copy_cache(*source.on_cpu, *target.on_cpu);
  }
}

LogitsRows CudaRunner::forward(std::span<const Piece> pieces, Rows rows) {
  OCTET_CHECK(rows == Rows::kAll || pieces.size() == 1);
  std::size_t n_bytes = 0;
  for (const Piece& piece : pieces) {
    OCTET_CHECK(!piece.bytes.empty());
    n_bytes += piece.bytes.size();
  }
  OCTET_CHECK(n_bytes <= (rows == Rows::kLast ? max_prefill() : max_batch()));
  if (cpu_ == nullptr && !forward_on_gpu(pieces, rows)) {
    for (const Piece& piece : pieces) piece.cache->truncate(piece.cache->length() - piece.bytes.size());
    take_over();
  }
  if (cpu_ != nullptr) return forward_on_cpu(pieces, rows);
  const std::size_t n = positions_.size();
  return rows == Rows::kAll ? LogitsRows(steps_->row(0), n) : LogitsRows(steps_->row(n - 1), 1);
}

/// False where it failed; the bytes are in their caches either way.
bool CudaRunner::forward_on_gpu(std::span<const Piece> pieces, Rows rows) {
  bool has_memory = true;
  positions_.clear();
  for (const Piece& piece : pieces) {
    auto& cache = static_cast<Cache&>(*piece.cache);
    const std::size_t pos = cache.length();
    cache.append(piece.bytes);
    cache.rings.will_write(pos, cache.length());
    has_memory = has_memory && cache.memory != nullptr;
    for (std::size_t i = pos + 1; i <= cache.length(); ++i) positions_.push_back({cache.bytes().first(i), cache.memory});
  }
  using Want = CudaSteps::Want;
  const Want want = rows == Rows::kLast ? Want::kLastRow : pieces.size() == 1 ? Want::kRowsAndProposals : Want::kRows;
  return has_memory && steps_->forward(positions_, want);
}

void CudaRunner::take_over() {
  const bool is_bf16 = steps_->format() == kernels::cuda::Format::kBf16;
  trouble_ = std::string("the GPU failed, the CPU took over") + (is_bf16 ? " in the f32 profile: " : ": ") + steps_->error();
  cpu_ = make_cpu_runner_(std::move(model_.front()));
  model_.clear();
  OCTET_CHECK(cpu_->max_batch() >= max_batch());
}

/// The CPU's cache holds the first `length` bytes of the sequence, computed where they are not.
void CudaRunner::catch_up(const Cache& cache, std::size_t length) {
  if (cache.on_cpu == nullptr) cache.on_cpu = cpu_->new_cache();
  KvCache& on_cpu = *cache.on_cpu;
  const auto bytes = cache.bytes().first(length);
  on_cpu.truncate(on_cpu.reusable(common_prefix(on_cpu.bytes(), bytes)));
  while (on_cpu.length() < length) {
    const std::size_t n = std::min(cpu_->max_batch(), length - on_cpu.length());
    cpu_->forward(bytes.subspan(on_cpu.length(), n), on_cpu, Rows::kLast);
  }
}

LogitsRows CudaRunner::forward_on_cpu(std::span<const Piece> pieces, Rows rows) {
  std::vector<Piece> on_cpu;
  for (const Piece& piece : pieces) {
    auto& cache = static_cast<Cache&>(*piece.cache);
    // Where the GPU failed at a long chunk there are more bytes than the CPU takes.
    const std::size_t n = std::min(piece.bytes.size(), cpu_->max_batch());
    cache.append(piece.bytes);
    catch_up(cache, cache.length() - n);
    on_cpu.push_back({piece.bytes.last(n), cache.on_cpu.get()});
    n_before_cpu_rows_ = piece.bytes.size() - n;
  }
  has_cpu_rows_ = true;
  return cpu_->forward(on_cpu, rows);
}

void CudaRunner::begin_draft(std::size_t row, const KvCache& cache) {
  draft_.row = row;
  draft_.cache = static_cast<const Cache*>(&cache);
  draft_.given.clear();
  draft_.is_of_cpu = has_cpu_rows_;
  if (cpu_ != nullptr) begin_draft_on_cpu();
}

void CudaRunner::begin_draft_on_cpu() {
  const Cache& cache = *draft_.cache;
  if (draft_.is_of_cpu) {
    // The rows of the last forward() are still there; what was cut off since is cut off here, too.
    cache.on_cpu->truncate(cache.length());
    return cpu_->begin_draft(draft_.row - n_before_cpu_rows_, *cache.on_cpu);
  }
  catch_up(cache, cache.length() - 1);
  cpu_->forward(cache.bytes().last(1), *cache.on_cpu, Rows::kLast);
  cpu_->begin_draft(0, *cache.on_cpu);
}

LogitsRow CudaRunner::next_draft(std::uint8_t previous) {
  draft_.given.push_back(previous);
  OCTET_CHECK(static_cast<int>(draft_.given.size()) < config_.n_predict);
  if (cpu_ != nullptr) return cpu_->next_draft(previous);
  const CudaSteps::Position at{draft_.cache->bytes(), draft_.cache->memory};
  if (steps_->propose(draft_.row, at, draft_.given)) return LogitsRow(steps_->proposal_row(draft_.given.size() - 1), kVocabulary);
  take_over();
  begin_draft_on_cpu();
  for (std::size_t i = 0; i + 1 < draft_.given.size(); ++i) cpu_->next_draft(draft_.given[i]);
  return cpu_->next_draft(previous);
}

}  // namespace octet::engine

#include "engine/model/cuda_runner.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

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
  Cache(std::size_t capacity, KvRings rings, CudaCaches& caches) : KvCache(capacity), place{std::move(rings)}, caches_(caches) {}
  ~Cache() override { caches_.release(place); }

  // The CPU's cache is brought up to date whenever it is used.
  std::size_t reusable(std::size_t length) const override {
    if (on_cpu != nullptr) return length;
    return place.memory != nullptr ? place.rings.reusable(length) : 0;
  }

  void copy(const Cache& from) {
    copy_bytes(from);
    place.rings = from.place.rings;
  }

  CudaCaches::Place place;  // on the GPU
  mutable std::unique_ptr<KvCache> on_cpu;

 private:
  CudaCaches& caches_;
};

CudaRunner::CudaRunner(bytemodel::ModelFile model, std::unique_ptr<CudaSteps> steps, MakeCpuRunner make_cpu_runner)
    : config_(model.config()), steps_(std::move(steps)), caches_(*steps_), make_cpu_runner_(std::move(make_cpu_runner)) {
  model_.push_back(std::move(model));
}

CudaRunner::~CudaRunner() = default;

std::unique_ptr<KvCache> CudaRunner::new_cache() const {
  const std::size_t capacity = static_cast<std::size_t>(config_.max_context) + CudaSteps::kMaxBatch;
  return std::make_unique<Cache>(capacity, steps_->new_rings(), caches_);
}

void CudaRunner::copy_cache(const KvCache& from, KvCache& to) const {
  const auto& source = static_cast<const Cache&>(from);
  auto& target = static_cast<Cache&>(to);
  target.copy(source);
  if (cpu_ == nullptr) {
    // What cannot be copied is computed again when it is wanted. Where the GPU fails the next forward() hears of it.
    const CudaCaches::Place* const kept[] = {&source.place};
    if (source.place.memory == nullptr) {
      caches_.release(target.place);
    } else if (caches_.provide(target.place, kept)) {
      steps_->copy_cache(source.place.memory, target.place.memory);
    }
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
  std::vector<const CudaCaches::Place*> places;
  for (const Piece& piece : pieces) places.push_back(&static_cast<Cache&>(*piece.cache).place);
  bool has_memory = true;
  for (const Piece& piece : pieces) has_memory = has_memory && provide(static_cast<Cache&>(*piece.cache), places);
  positions_.clear();
  for (const Piece& piece : pieces) {
    auto& cache = static_cast<Cache&>(*piece.cache);
    const std::size_t pos = cache.length();
    cache.append(piece.bytes);
    append_positions(cache, pos, cache.length());
  }
  using Want = CudaSteps::Want;
  const Want want = rows == Rows::kLast ? Want::kLastRow : pieces.size() == 1 ? Want::kRowsAndProposals : Want::kRows;
  return has_memory && steps_->forward(positions_, want);
}

/// The positions [begin, end) of a sequence are part of the next step.
void CudaRunner::append_positions(Cache& cache, std::size_t begin, std::size_t end) {
  cache.place.rings.will_write(begin, end);
  for (std::size_t i = begin + 1; i <= end; ++i) positions_.push_back({cache.bytes().first(i), cache.place.memory});
}

/// Gives `cache` memory, and computes what it held where another sequence has got that.
bool CudaRunner::provide(Cache& cache, std::span<const CudaCaches::Place* const> kept) {
  const std::size_t n_lost = cache.place.memory == nullptr ? cache.length() : 0;
  if (!caches_.provide(cache.place, kept)) return false;
  for (std::size_t begin = 0; begin < n_lost; begin += positions_.size()) {
    positions_.clear();
    append_positions(cache, begin, std::min(n_lost, begin + steps_->max_prefill()));
    if (!steps_->forward(positions_, CudaSteps::Want::kLastRow)) return false;
  }
  return true;
}

void CudaRunner::take_over() {
  const bool is_bf16 = steps_->format() == kernels::cuda::Format::kBf16;
  const std::string why = steps_->error();
  trouble_ = fmt::format("the GPU failed, the CPU took over{}: {}", is_bf16 ? " in the f32 profile" : "",
                         why.empty() ? "out of memory for the keys and values of the sequences of a step" : why);
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
  const CudaSteps::Position at{draft_.cache->bytes(), draft_.cache->place.memory};
  if (steps_->propose(draft_.row, at, draft_.given)) return LogitsRow(steps_->proposal_row(draft_.given.size() - 1), kVocabulary);
  take_over();
  begin_draft_on_cpu();
  for (std::size_t i = 0; i + 1 < draft_.given.size(); ++i) cpu_->next_draft(draft_.given[i]);
  return cpu_->next_draft(previous);
}

}  // namespace octet::engine

#include "engine/model/cuda_steps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::engine {

namespace cuda = kernels::cuda;

namespace {

/// What the driver takes for kernels and graphs once they are there.
constexpr std::size_t kDriverBytes = std::size_t{64} << 20;

/// What a chunk is multiplied by.
std::vector<cuda::Matrix> chunk_matrices(const CudaWeights& weights, const bytemodel::ModelConfig& c) {
  std::vector<cuda::Matrix> all;
  if (c.n_orders() > 0) all.push_back(weights.embedding.ngram_proj);
  for (const CudaBlock& block : weights.layers) all.insert(all.end(), {block.kv_q, block.out, block.gate_up, block.down});
  for (const CudaBlock& block : weights.heads) all.push_back(kv_q_heads(block, c, 2 * c.n_kv_heads));
  return all;
}

/// Positions of a long chunk: as many as there are in a context. 0 where there is no cuBLASLt, or where chunks do as well.
std::size_t long_rows(const bytemodel::ModelFile& model, cuda::Format format, cuda::Device& device) {
  constexpr int kUnit = cuda::kChunkRows;
  const int n_rows = std::min(cuda::kLongRows, model.config().max_context / kUnit * kUnit);
  if (n_rows < 2 * kUnit) return 0;
  DeviceArena nowhere;
  const CudaWeights shapes(model, format, nowhere, 0);
  for (const cuda::Matrix& matrix : chunk_matrices(shapes, model.config())) {
    if (!device.can_multiply(cuda::matmul_shape(matrix, n_rows))) return 0;
  }
  return static_cast<std::size_t>(n_rows);
}

}  // namespace

CudaSteps::CudaSteps(const bytemodel::ModelFile& model, cuda::Format format, std::unique_ptr<cuda::Device> device, bool may_be_long)
    : config_(model.config()),
      format_(format),
      device_(std::move(device)),
      long_rows_(may_be_long ? long_rows(model, format, *device_) : 0),
      capacity_(static_cast<std::size_t>(config_.max_context) + kMaxBatch) {
  const KvRings rings = new_rings();
  const std::size_t n_layers = static_cast<std::size_t>(config_.n_layers);
  for (std::size_t i = 0; i < rings.n_layers(); ++i) {
    kv_.push_back({static_cast<std::int64_t>(cache_bytes_), static_cast<int>(rings.n_blocks(i)), i < n_layers ? config_.window[i] : 0});
    cache_bytes_ += rings.n_blocks(i) * static_cast<std::size_t>(config_.n_kv_heads) * cuda::kv_block_bytes(config_.head_dim, format_);
  }
  DeviceArena plan;
  const CudaWeights shapes(model, format, plan, capacity_);
  take_buffers(plan, shapes);
  memory_bytes_ = plan.size_bytes() + kMinCaches * cache_bytes_;
}

Result<std::unique_ptr<CudaSteps>> CudaSteps::open(const bytemodel::ModelFile& model, cuda::Format format,
                                                   std::unique_ptr<cuda::Device> device, std::size_t max_bytes) {
  std::unique_ptr<CudaSteps> steps(new CudaSteps(model, format, std::move(device), true));
  const std::size_t free_bytes = steps->device_->free_bytes();  // cuBLASLt has taken its part
  const std::size_t usable = free_bytes - std::min(free_bytes, kDriverBytes);
  const std::size_t allowed = max_bytes == 0 ? usable : std::min(max_bytes, usable);
  if (steps->memory_bytes_ > allowed && steps->long_rows_ > 0) {
    device = std::move(steps->device_);
    steps.reset(new CudaSteps(model, format, std::move(device), false));
  }
  cuda::Device& gpu = *steps->device_;
  if (gpu.error()[0] == '\0' && steps->memory_bytes_ > allowed) {
    const bool is_cap = allowed < usable;
    return fail(ErrorCode::kTooLarge, fmt::format("the model takes {} bytes of GPU memory{}, {} are {}", steps->memory_bytes_,
                                                  is_cap ? "" : fmt::format(" and the driver {}", kDriverBytes),
                                                  is_cap ? allowed : free_bytes, is_cap ? "allowed" : "free"));
  }
  const std::size_t model_bytes = steps->memory_bytes_ - kMinCaches * steps->cache_bytes_;
  steps->n_caches_left_ = (allowed - std::min(allowed, model_bytes)) / steps->cache_bytes_;
  void* memory = gpu.allocate(model_bytes);
  steps->requests_ = static_cast<Requests*>(gpu.allocate_host(sizeof(Requests)));
  steps->results_ = static_cast<Results*>(gpu.allocate_host(sizeof(Results)));
  if (memory != nullptr && steps->requests_ != nullptr && steps->results_ != nullptr) {
    DeviceArena arena(gpu, memory);
    steps->weights_.emplace_back(model, format, arena, steps->capacity_);
    steps->take_buffers(arena, steps->weights_[0]);
    steps->record();
  }
  if (!gpu.wait(kStepMs)) return fail(ErrorCode::kUnsupported, gpu.error());
  if (steps->weights_.empty())
    return fail(ErrorCode::kTooLarge, fmt::format("the GPU is out of memory: no {} bytes, or no pinned ones", model_bytes));
  return steps;
}

KvRings CudaSteps::new_rings() const {
  std::vector<int> windows = config_.window;
  if (config_.head_kind == bytemodel::HeadKind::kTransformer)
    windows.resize(windows.size() + static_cast<std::size_t>(config_.n_predict), 0);
  return KvRings(capacity_, windows, max_prefill());
}

std::byte* CudaSteps::allocate_cache() {
  if (n_caches_left_ == 0) return nullptr;
  void* cache = device_->allocate(cache_bytes_);
  n_caches_left_ = cache != nullptr ? n_caches_left_ - 1 : 0;
  if (cache != nullptr && format_ == cuda::Format::kBf16) device_->clear(cache, cache_bytes_);
  return static_cast<std::byte*>(cache);
}

bool CudaSteps::copy_cache(const std::byte* from, std::byte* to) {
  device_->copy(to, from, cache_bytes_);
  return wait();
}

void CudaSteps::take_buffers(DeviceArena& arena, const CudaWeights& weights) {
  const auto& c = config_;
  const std::size_t n_rows = max_prefill();
  const auto size = [](std::size_t n, int width) { return n * static_cast<std::size_t>(width); };
  int max_blocks = 1;
  for (const auto& layer : kv_) max_blocks = std::max(max_blocks, cuda::attention_blocks(layer, static_cast<int>(capacity_), format_));
  const std::size_t n_heads = size(n_rows, c.n_heads);
  const int kv_q = (c.n_heads + 2 * c.n_kv_heads) * cuda::n_tiles(c.head_dim) * cuda::kTile;
  const int widest = std::max({c.d_model, c.d_ff, c.q_dim(), c.n_orders() * c.ngram_dim});
  buffers_.step = arena.take<cuda::Step>(1);
  buffers_.draft = arena.take<cuda::DraftStep>(1);
  buffers_.hidden = arena.take<float>(size(n_rows, c.d_model));
  const bool has_blocks = c.head_kind == bytemodel::HeadKind::kTransformer;
  buffers_.head_hidden = arena.take<float>(has_blocks ? size(n_rows, c.d_model) * static_cast<std::size_t>(c.n_predict) : 0);
  buffers_.queries = arena.take<std::byte>(size(n_heads, cuda::key_bytes(c.head_dim, format_)));
  buffers_.query_scales = arena.take<float>(n_heads);
  buffers_.partial = arena.take<float>(size(n_heads, max_blocks * (c.head_dim + 2)));
  buffers_.n_done = arena.zeros<int>(size(cuda::kMaxRuns, c.n_kv_heads));
  buffers_.mixed = arena.take<float>(size(n_heads, c.head_dim));
  buffers_.active = arena.take<float>(size(n_rows, c.d_ff));
  buffers_.numbers = arena.take<float>(size(n_rows, kv_q));
  buffers_.rows = arena.take<unsigned>(cuda::chunk_words(static_cast<int>(n_rows), widest, format_));
  buffers_.row_scales = arena.take<float>(n_rows);
  std::size_t plain_bytes = 0;
  std::size_t n_sums = 0;
  for (const cuda::Matrix& w : chunk_matrices(weights, c)) {
    plain_bytes = std::max(plain_bytes, cuda::fragment_bytes(w.n, w.k, format_));
    n_sums = std::max(n_sums, size(n_rows, cuda::n_tiles(w.n) * cuda::kTile));
  }
  const bool has_long = long_rows_ > 0;
  buffers_.plain = arena.take<unsigned>(has_long ? plain_bytes / sizeof(unsigned) : 0);
  buffers_.sums = arena.take<float>(has_long ? n_sums : 0);
  buffers_.workspace = arena.take<std::byte>(has_long ? cuda::kMatmulWorkspace : 0);
  buffers_.logits = arena.take<float>(size(n_rows, cuda::kVocabulary) * static_cast<std::size_t>(c.n_predict));
  buffers_.verdict = arena.take<cuda::Verdict>(1);
  buffers_.proposals = arena.take<float>(size(static_cast<std::size_t>(c.n_predict), cuda::kVocabulary));
}

cuda::Row CudaSteps::row_of(const Position& position) const {
  cuda::Row row{};
  row.pos = static_cast<std::int32_t>(position.text.size() - 1);
  row.byte = position.text.back();
  const std::size_t n = std::min<std::size_t>(position.text.size(), cuda::kMaxTail);
  for (std::size_t i = 1; i <= n; ++i)
    row.tail[cuda::kMaxTail - i] = static_cast<std::uint16_t>(position.text[position.text.size() - i] + 1);
  row.cache = position.cache;
  return row;
}

void CudaSteps::send_step(std::size_t request, std::span<const Position> positions, std::size_t first, std::size_t n) {
  cuda::Step& step = requests_->steps[request];
  step.n_rows = static_cast<std::int32_t>(n);
  step.first_row = static_cast<std::int32_t>(first);
  step.n_runs = 0;
  for (std::size_t row = 0; row < n; ++row) {
    step.rows[row] = row_of(positions[first + row]);
    const bool continues =
        row > 0 && step.rows[row].cache == step.rows[row - 1].cache && step.runs[step.n_runs - 1].n_rows < cuda::kMaxRows;
    if (!continues) step.runs[step.n_runs++] = {static_cast<std::int32_t>(row), 0};
    ++step.runs[step.n_runs - 1].n_rows;
  }
  device_->upload(buffers_.step, &step, cuda::Step::bytes_of(step.n_rows));
}

bool CudaSteps::forward(std::span<const Position> positions, Want want) {
  OCTET_CHECK(!positions.empty() && positions.size() <= (want == Want::kLastRow ? max_prefill() : kMaxBatch));
  if (!error_.empty()) return false;
  has_proposals_ = false;
  const std::size_t n = positions.size();
  if (want == Want::kLastRow && n > cuda::kMaxRows) {
    std::size_t request = 0;
    for (std::size_t first = 0; first < n;) {
      const bool is_long = 2 * (n - first) > long_rows_ && long_rows_ > 0;
      const std::size_t n_rows = std::min(n - first, is_long ? long_rows_ : cuda::kChunkRows);
      send_step(request++, positions, first, n_rows);
      device_->replay(is_long ? long_graph_ : chunk_graph_);
      first += n_rows;
    }
    send_step(request, positions, n - 1, 1);
    device_->replay(last_row_graph_);
  } else {
    for (std::size_t first = 0, request = 0; first < n; first += cuda::kMaxRows, ++request) {
      const std::size_t n_rows = std::min<std::size_t>(cuda::kMaxRows, n - first);
      send_step(request, positions, first, n_rows);
      has_proposals_ = want == Want::kRowsAndProposals && n == n_rows && config_.n_predict > 1;
      device_->replay(has_proposals_ ? step_graph_ : rows_graph_);
    }
  }
  first_result_ = want == Want::kLastRow ? n - 1 : 0;
  const std::size_t n_results = n - first_result_;
  device_->download(results_->logits, buffers_.logits + first_result_ * cuda::kVocabulary, n_results * sizeof(results_->logits[0]));
  if (has_proposals_) {
    device_->download(&results_->verdict, buffers_.verdict, sizeof(cuda::Verdict));
    device_->download(results_->proposals, buffers_.proposals,
                      static_cast<std::size_t>(config_.n_predict - 1) * sizeof(results_->proposals[0]));
  }
  return wait() && are_numbers(results_->logits[0], n_results * cuda::kVocabulary);
}

bool CudaSteps::propose(std::size_t row, const Position& at, std::span<const std::uint8_t> given) {
  OCTET_CHECK(!given.empty() && static_cast<int>(given.size()) < config_.n_predict);
  const cuda::Verdict& made = results_->verdict;
  if (has_proposals_ && made.row == static_cast<std::int32_t>(row) && std::equal(given.begin(), given.end(), made.chosen)) return true;
  cuda::DraftStep& draft = requests_->draft;
  draft.step.n_rows = 1;
  draft.step.first_row = static_cast<std::int32_t>(row);
  draft.step.n_runs = 1;
  draft.step.rows[0] = row_of(at);
  draft.step.runs[0] = {0, 1};
  draft.n_given = static_cast<std::int32_t>(given.size());
  std::copy(given.begin(), given.end(), draft.given);
  device_->upload(buffers_.draft, &draft, offsetof(cuda::DraftStep, step) + cuda::Step::bytes_of(1));
  device_->replay(draft_graph_);
  const std::size_t n_rows = static_cast<std::size_t>(config_.n_predict - 1);
  device_->download(&results_->verdict, buffers_.verdict, sizeof(cuda::Verdict));
  device_->download(results_->proposals, buffers_.proposals, n_rows * sizeof(results_->proposals[0]));
  has_proposals_ = wait() && are_numbers(results_->proposals[0], n_rows * cuda::kVocabulary);
  return has_proposals_;
}

/// A row that holds no number has no byte to choose: whether the model or the device is to blame, the CPU will know.
bool CudaSteps::are_numbers(const float* values, std::size_t n) {
  if (std::none_of(values, values + n, [](float value) { return std::isnan(value); })) return true;
  error_ = "a step: its logits are no numbers";
  return false;
}

}  // namespace octet::engine

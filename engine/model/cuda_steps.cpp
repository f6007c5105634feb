#include "engine/model/cuda_steps.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::engine {

namespace cuda = kernels::cuda;

CudaSteps::CudaSteps(const bytemodel::ModelFile& model, cuda::Format format, std::unique_ptr<cuda::Device> device)
    : config_(model.config()),
      format_(format),
      capacity_(static_cast<std::size_t>(config_.max_context) + kMaxBatch),
      device_(std::move(device)) {
  const KvRings rings = new_rings();
  const std::size_t n_layers = static_cast<std::size_t>(config_.n_layers);
  for (std::size_t i = 0; i < rings.n_layers(); ++i) {
    kv_.push_back({static_cast<std::int64_t>(cache_bytes_), static_cast<int>(rings.n_blocks(i)), i < n_layers ? config_.window[i] : 0});
    cache_bytes_ += rings.n_blocks(i) * static_cast<std::size_t>(config_.n_kv_heads) * cuda::kv_block_bytes(config_.head_dim, format_);
  }
}

Result<std::unique_ptr<CudaSteps>> CudaSteps::open(const bytemodel::ModelFile& model, cuda::Format format,
                                                   std::unique_ptr<cuda::Device> device, std::size_t max_bytes) {
  std::unique_ptr<CudaSteps> steps(new CudaSteps(model, format, std::move(device)));
  cuda::Device& gpu = *steps->device_;
  DeviceArena plan;
  CudaWeights(model, format, plan, steps->capacity_);
  steps->take_buffers(plan);
  steps->memory_bytes_ = plan.size_bytes() + steps->cache_bytes_;
  const std::size_t free_bytes = gpu.free_bytes();
  const std::size_t allowed = max_bytes == 0 ? free_bytes : std::min(max_bytes, free_bytes);
  if (gpu.error()[0] == '\0' && steps->memory_bytes_ > allowed) {
    return fail(ErrorCode::kTooLarge, fmt::format("the model takes {} bytes of GPU memory, {} are {}", steps->memory_bytes_, allowed,
                                                  allowed == free_bytes ? "free" : "allowed"));
  }
  void* memory = gpu.allocate(plan.size_bytes());
  steps->requests_ = static_cast<Requests*>(gpu.allocate_host(sizeof(Requests)));
  steps->results_ = static_cast<Results*>(gpu.allocate_host(sizeof(Results)));
  if (memory != nullptr && steps->requests_ != nullptr && steps->results_ != nullptr) {
    DeviceArena arena(gpu, memory);
    steps->weights_.emplace_back(model, format, arena, steps->capacity_);
    steps->take_buffers(arena);
    steps->record();
  }
  if (!gpu.wait(kStepMs)) return fail(ErrorCode::kUnsupported, gpu.error());
  return steps;
}

KvRings CudaSteps::new_rings() const {
  std::vector<int> windows = config_.window;
  if (config_.head_kind == bytemodel::HeadKind::kTransformer)
    windows.resize(windows.size() + static_cast<std::size_t>(config_.n_predict), 0);
  return KvRings(capacity_, windows, kMaxBatch);
}

std::byte* CudaSteps::allocate_cache() {
  void* cache = device_->allocate(cache_bytes_);
  if (cache != nullptr) device_->clear(cache, cache_bytes_);
  return static_cast<std::byte*>(cache);
}

bool CudaSteps::copy_cache(const std::byte* from, std::byte* to) {
  device_->copy(to, from, cache_bytes_);
  return wait();
}

void CudaSteps::take_buffers(DeviceArena& arena) {
  const auto& c = config_;
  const auto size = [](std::size_t n, int width) { return n * static_cast<std::size_t>(width); };
  int max_blocks = 1;
  for (const auto& layer : kv_) max_blocks = std::max(max_blocks, cuda::attention_blocks(layer, static_cast<int>(capacity_), format_));
  const std::size_t n_heads = size(cuda::kChunkRows, c.n_heads);
  const int kv_q = (c.n_heads + 2 * c.n_kv_heads) * cuda::n_tiles(c.head_dim) * cuda::kTile;
  const int widest = std::max({c.d_model, c.d_ff, c.q_dim(), c.n_orders() * c.ngram_dim});
  buffers_.step = arena.take<cuda::Step>(1);
  buffers_.draft = arena.take<cuda::DraftStep>(1);
  buffers_.hidden = arena.take<float>(size(kMaxBatch, c.d_model));
  const bool has_blocks = c.head_kind == bytemodel::HeadKind::kTransformer;
  buffers_.head_hidden = arena.take<float>(has_blocks ? size(kMaxBatch, c.d_model) * static_cast<std::size_t>(c.n_predict) : 0);
  buffers_.queries = arena.take<std::byte>(size(n_heads, cuda::key_bytes(c.head_dim, format_)));
  buffers_.query_scales = arena.take<float>(n_heads);
  buffers_.partial = arena.take<float>(size(n_heads, max_blocks * (c.head_dim + 2)));
  buffers_.n_done = arena.take<int>(size(cuda::kMaxRuns, c.n_kv_heads));
  buffers_.mixed = arena.take<float>(size(n_heads, c.head_dim));
  buffers_.active = arena.take<float>(size(cuda::kChunkRows, c.d_ff));
  buffers_.numbers = arena.take<float>(size(cuda::kChunkRows, kv_q));
  buffers_.rows = {format_, arena.take<unsigned>(cuda::chunk_words(widest, format_)), arena.take<float>(cuda::kChunkRows)};
  buffers_.logits = arena.take<float>(size(kMaxBatch, cuda::kVocabulary));
  buffers_.verdict = arena.take<cuda::Verdict>(1);
  buffers_.proposals = arena.take<float>(size(static_cast<std::size_t>(c.n_predict), cuda::kVocabulary));
}

void CudaSteps::launch(const auto& args) {
  ++n_launches_;
  device_->launch(args);
}

cuda::QkvArgs CudaSteps::qkv(const CudaBlock& block, std::size_t block_idx, const cuda::Step* step, const float* from) const {
  const auto& c = config_;
  return {step,
          from,
          block.attn_norm,
          static_cast<float>(c.norm_eps),
          block.kv_q,
          {c.n_heads, c.n_kv_heads, c.head_dim},
          0,
          2 * c.n_kv_heads + c.n_heads,
          block.q_norm,
          block.k_norm,
          weights_[0].cosine,
          weights_[0].sine,
          kv_[block_idx],
          buffers_.queries,
          buffers_.query_scales};
}

/// One block from `from` to `to`; in a draft the keys and values are there already.
void CudaSteps::record_block(const CudaBlock& block, std::size_t block_idx, const cuda::Step* step, const float* from, float* to,
                             bool is_draft) {
  const auto& c = config_;
  const float eps = static_cast<float>(c.norm_eps);
  auto project = qkv(block, block_idx, step, from);
  if (is_draft) {
    project.first_head = 2 * c.n_kv_heads;
    project.n_heads = c.n_heads;
  }
  launch(project);
  record_attention(step, block_idx);
  launch(cuda::AddProductArgs{step, buffers_.mixed, block.out, from, to});
  launch(cuda::GateUpArgs{step, to, block.ffn_norm, eps, block.gate_up, c.d_ff, buffers_.active});
  launch(cuda::AddProductArgs{step, buffers_.active, block.down, to, to});
}

void CudaSteps::record_attention(const cuda::Step* step, std::size_t block_idx) {
  const auto& c = config_;
  const auto scale = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(c.head_dim)));
  launch(cuda::AttentionArgs{format_,
                             step,
                             buffers_.queries,
                             buffers_.query_scales,
                             {c.n_heads, c.n_kv_heads, c.head_dim},
                             scale,
                             kv_[block_idx],
                             cuda::attention_blocks(kv_[block_idx], static_cast<int>(capacity_), format_),
                             buffers_.partial,
                             buffers_.n_done,
                             buffers_.mixed});
}

/// What a head needs to attend later.
void CudaSteps::record_kv(const CudaBlock& block, std::size_t block_idx) {
  auto project = qkv(block, block_idx, buffers_.step, buffers_.hidden);
  project.n_heads = 2 * config_.n_kv_heads;
  launch(project);
}

void CudaSteps::record_step() {
  const CudaWeights& w = weights_[0];
  launch(cuda::EmbedArgs{buffers_.step, w.embedding, buffers_.hidden});
  for (std::size_t i = 0; i < w.layers.size(); ++i) record_block(w.layers[i], i, buffers_.step, buffers_.hidden, buffers_.hidden, false);
  for (std::size_t i = 1; i < w.heads.size(); ++i) record_kv(w.heads[i], w.layers.size() + i);
  const float* output = buffers_.hidden;
  if (!w.heads.empty()) {
    record_block(w.heads[0], w.layers.size(), buffers_.step, buffers_.hidden, buffers_.head_hidden, false);
    output = buffers_.head_hidden;
  }
  launch(cuda::HeadArgs{buffers_.step, output, w.final_norm, static_cast<float>(config_.norm_eps), w.unembed[0], buffers_.logits});
}

void CudaSteps::quantize(const float* x, const float* gain, int k) {
  launch(cuda::QuantizeArgs{buffers_.step, x, gain, static_cast<float>(config_.norm_eps), k, buffers_.rows});
}

void CudaSteps::multiply(cuda::ChunkProductArgs::Kind kind, const cuda::Matrix& w, float* to, int d_ff) {
  launch(cuda::ChunkProductArgs{kind, buffers_.step, buffers_.rows, w, to, to, d_ff});
}

/// The first n_heads heads of kv_q for a chunk's rows.
void CudaSteps::record_chunk_heads(const CudaBlock& block, std::size_t block_idx, int n_heads) {
  auto finish = cuda::FinishHeadsArgs{qkv(block, block_idx, buffers_.step, buffers_.hidden), buffers_.numbers};
  finish.qkv.n_heads = n_heads;
  finish.qkv.kv_q.n = n_heads * cuda::n_tiles(config_.head_dim) * cuda::kTile;
  quantize(buffers_.hidden, block.attn_norm, config_.d_model);
  multiply(cuda::ChunkProductArgs::Kind::kStore, finish.qkv.kv_q, buffers_.numbers);
  launch(finish);
}

void CudaSteps::record_chunk() {
  using Kind = cuda::ChunkProductArgs::Kind;
  const auto& c = config_;
  const CudaWeights& w = weights_[0];
  launch(cuda::EmbedChunkArgs{buffers_.step, w.embedding, buffers_.hidden, buffers_.rows});
  if (c.n_orders() > 0) multiply(Kind::kAdd, w.embedding.ngram_proj, buffers_.hidden);
  for (std::size_t i = 0; i < w.layers.size(); ++i) {
    const CudaBlock& block = w.layers[i];
    record_chunk_heads(block, i, c.n_heads + 2 * c.n_kv_heads);
    record_attention(buffers_.step, i);
    quantize(buffers_.mixed, nullptr, c.q_dim());
    multiply(Kind::kAdd, block.out, buffers_.hidden);
    quantize(buffers_.hidden, block.ffn_norm, c.d_model);
    multiply(Kind::kSwiglu, block.gate_up, buffers_.active, c.d_ff);
    quantize(buffers_.active, nullptr, c.d_ff);
    multiply(Kind::kAdd, block.down, buffers_.hidden);
  }
  for (std::size_t i = 0; i < w.heads.size(); ++i) record_chunk_heads(w.heads[i], w.layers.size() + i, 2 * c.n_kv_heads);
}

/// The primary head of one row, whose keys and values are there.
void CudaSteps::record_last_row() {
  const CudaWeights& w = weights_[0];
  const float* output = buffers_.hidden;
  if (!w.heads.empty()) {
    record_block(w.heads[0], w.layers.size(), buffers_.step, buffers_.hidden, buffers_.head_hidden, true);
    output = buffers_.head_hidden;
  }
  launch(cuda::HeadArgs{buffers_.step, output, w.final_norm, static_cast<float>(config_.norm_eps), w.unembed[0], buffers_.logits});
}

void CudaSteps::record_proposals() {
  const CudaWeights& w = weights_[0];
  const auto stride = static_cast<std::ptrdiff_t>(kMaxBatch) * config_.d_model;
  cuda::DraftArgs args{};
  for (std::size_t i = 1; i < w.heads.size(); ++i) {
    float* to = buffers_.head_hidden + static_cast<std::ptrdiff_t>(i) * stride;
    record_block(w.heads[i], w.layers.size() + i, &buffers_.draft->step, buffers_.hidden, to, true);
    args.head_hidden = buffers_.head_hidden + stride;
  }
  args.draft = buffers_.draft;
  args.hidden = buffers_.hidden;
  args.head_stride = stride;
  args.gain = w.final_norm;
  args.eps = static_cast<float>(config_.norm_eps);
  args.n_predict = config_.n_predict;
  std::copy(w.unembed.begin(), w.unembed.end(), args.unembed);
  args.end_byte = kEnd;
  args.embedding = w.embedding;
  args.cell = w.cell;
  args.verdict = buffers_.verdict;
  args.rows = buffers_.proposals;
  launch(args);
}

void CudaSteps::record() {
  const auto graph = [&](auto launches) {
    n_launches_ = 0;
    device_->begin_graph();
    launches();
    return device_->end_graph();
  };
  chunk_graph_ = graph([&] { record_chunk(); });
  last_row_graph_ = graph([&] { record_last_row(); });
  rows_graph_ = graph([&] { record_step(); });
  draft_graph_ = graph([&] { record_proposals(); });
  step_graph_ = graph([&] {
    record_step();
    launch(cuda::AcceptArgs{buffers_.step, buffers_.logits, kEnd, buffers_.draft});
    record_proposals();
  });
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
  OCTET_CHECK(!positions.empty() && positions.size() <= kMaxBatch);
  if (!error_.empty()) return false;
  has_proposals_ = false;
  if (want == Want::kLastRow && positions.size() > cuda::kMaxRows) {
    send_step(0, positions, 0, positions.size());
    device_->replay(chunk_graph_);
    send_step(1, positions, positions.size() - 1, 1);
    device_->replay(last_row_graph_);
  } else {
    for (std::size_t first = 0, i = 0; first < positions.size(); first += cuda::kMaxRows, ++i) {
      const std::size_t n = std::min<std::size_t>(cuda::kMaxRows, positions.size() - first);
      send_step(i, positions, first, n);
      has_proposals_ = want == Want::kRowsAndProposals && positions.size() == n && config_.n_predict > 1;
      device_->replay(has_proposals_ ? step_graph_ : rows_graph_);
    }
  }
  const std::size_t first_row = want == Want::kLastRow ? positions.size() - 1 : 0;
  const std::size_t n_rows = positions.size() - first_row;
  device_->download(results_->logits[first_row], buffers_.logits + first_row * cuda::kVocabulary, n_rows * sizeof(results_->logits[0]));
  if (has_proposals_) {
    device_->download(&results_->verdict, buffers_.verdict, sizeof(cuda::Verdict));
    device_->download(results_->proposals, buffers_.proposals,
                      static_cast<std::size_t>(config_.n_predict - 1) * sizeof(results_->proposals[0]));
  }
  return wait() && are_numbers(results_->logits[first_row], n_rows * cuda::kVocabulary);
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

// The launches of CudaSteps: what its graphs consist of.
#include <cmath>
#include <cstddef>
#include <numbers>

#include "bytemodel/control_bytes.h"
#include "engine/model/cuda_steps.h"

namespace octet::engine {

namespace cuda = kernels::cuda;

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
  record_attention(step, block_idx, cuda::kMaxRows);
  launch(cuda::AddProductArgs{step, buffers_.mixed, block.out, from, to});
  launch(cuda::GateUpArgs{step, to, block.ffn_norm, eps, block.gate_up, c.d_ff, buffers_.active});
  launch(cuda::AddProductArgs{step, buffers_.active, block.down, to, to});
}

void CudaSteps::record_attention(const cuda::Step* step, std::size_t block_idx, std::size_t max_runs) {
  const auto& c = config_;
  const auto scale = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(c.head_dim)));
  launch(cuda::AttentionArgs{format_,
                             step,
                             buffers_.queries,
                             buffers_.query_scales,
                             {c.n_heads, c.n_kv_heads, c.head_dim},
                             scale,
                             kv_[block_idx],
                             static_cast<int>(max_runs),
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

/// Logits of the heads [first, first + n): all of the same rows, or each of rows of its own.
void CudaSteps::record_logits(const cuda::Step* step, const float* hidden, std::ptrdiff_t hidden_stride, int first, int n) {
  const CudaWeights& w = weights_[0];
  const cuda::Matrix heads = cuda::rows_of(w.unembed, first * cuda::kVocabulary, n * cuda::kVocabulary);
  launch(cuda::HeadArgs{step, hidden, hidden_stride, w.final_norm, static_cast<float>(config_.norm_eps), heads,
                        buffers_.logits + first * logits_stride(), logits_stride()});
}

/// All of the rows of a step. With proposals the logits of linear heads come with the primary one's: the accepted row is not known yet, but
/// more rows cost next to nothing.
void CudaSteps::record_step(bool with_proposals) {
  const CudaWeights& w = weights_[0];
  launch(cuda::EmbedArgs{buffers_.step, w.embedding, buffers_.hidden});
  for (std::size_t i = 0; i < w.layers.size(); ++i) record_block(w.layers[i], i, buffers_.step, buffers_.hidden, buffers_.hidden, false);
  for (std::size_t i = 1; i < w.heads.size(); ++i) record_kv(w.heads[i], w.layers.size() + i);
  const float* output = buffers_.hidden;
  if (!w.heads.empty()) {
    record_block(w.heads[0], w.layers.size(), buffers_.step, buffers_.hidden, buffers_.head_hidden, false);
    output = buffers_.head_hidden;
  }
  record_logits(buffers_.step, output, 0, 0, with_proposals && w.heads.empty() ? config_.n_predict : 1);
}

/// A chunk's rows of k numbers, as the product takes them.
cuda::ChunkRows CudaSteps::chunk_rows(int k, bool is_long) const {
  return is_long ? cuda::rows_by_row(format_, buffers_.rows, buffers_.row_scales, static_cast<int>(long_rows_), k)
                 : cuda::rows_by_step(format_, buffers_.rows, buffers_.row_scales);
}

void CudaSteps::quantize(const float* x, const float* gain, const cuda::ChunkRows& rows, int k) {
  launch(cuda::QuantizeArgs{buffers_.step, x, gain, static_cast<float>(config_.norm_eps), k, rows});
}

void CudaSteps::multiply(cuda::ChunkProductArgs::Kind kind, const cuda::ChunkRows& rows, const cuda::Matrix& w, float* to, int d_ff) {
  const cuda::ChunkProductArgs product{kind, buffers_.step, rows, w, to, to, d_ff};
  if (rows.n_rows == cuda::kChunkRows) return launch(product);
  launch(cuda::UnpackArgs{w, buffers_.plain});
  launch(cuda::MatmulArgs{cuda::matmul_shape(w, rows.n_rows), buffers_.plain, rows.words, buffers_.sums, buffers_.workspace});
  launch(cuda::FinishProductArgs{product, buffers_.sums});
}

/// The first n_heads heads of kv_q for a chunk's rows.
void CudaSteps::record_chunk_heads(const CudaBlock& block, std::size_t block_idx, int n_heads, bool is_long) {
  const auto rows = chunk_rows(config_.d_model, is_long);
  auto finish = cuda::FinishHeadsArgs{qkv(block, block_idx, buffers_.step, buffers_.hidden), buffers_.numbers, rows.n_rows};
  finish.qkv.n_heads = n_heads;
  finish.qkv.kv_q = kv_q_heads(block, config_, n_heads);
  quantize(buffers_.hidden, block.attn_norm, rows, config_.d_model);
  multiply(cuda::ChunkProductArgs::Kind::kStore, rows, finish.qkv.kv_q, buffers_.numbers);
  launch(finish);
}

void CudaSteps::record_chunk(bool is_long) {
  using Kind = cuda::ChunkProductArgs::Kind;
  const auto& c = config_;
  const CudaWeights& w = weights_[0];
  const std::size_t n_rows = is_long ? long_rows_ : cuda::kChunkRows;
  const auto grams = chunk_rows(c.n_orders() * c.ngram_dim, is_long);
  const auto hidden = chunk_rows(c.d_model, is_long);
  const auto mixed = chunk_rows(c.q_dim(), is_long);
  const auto active = chunk_rows(c.d_ff, is_long);
  launch(cuda::EmbedChunkArgs{buffers_.step, w.embedding, buffers_.hidden, grams});
  if (c.n_orders() > 0) multiply(Kind::kAdd, grams, w.embedding.ngram_proj, buffers_.hidden);
  for (std::size_t i = 0; i < w.layers.size(); ++i) {
    const CudaBlock& block = w.layers[i];
    record_chunk_heads(block, i, c.n_heads + 2 * c.n_kv_heads, is_long);
    record_attention(buffers_.step, i, n_rows / cuda::kMaxRows);
    quantize(buffers_.mixed, nullptr, mixed, c.q_dim());
    multiply(Kind::kAdd, mixed, block.out, buffers_.hidden);
    quantize(buffers_.hidden, block.ffn_norm, hidden, c.d_model);
    multiply(Kind::kSwiglu, hidden, block.gate_up, buffers_.active, c.d_ff);
    quantize(buffers_.active, nullptr, active, c.d_ff);
    multiply(Kind::kAdd, active, block.down, buffers_.hidden);
  }
  for (std::size_t i = 0; i < w.heads.size(); ++i) record_chunk_heads(w.heads[i], w.layers.size() + i, 2 * c.n_kv_heads, is_long);
}

/// The primary head of one row, whose keys and values are there.
void CudaSteps::record_last_row() {
  const CudaWeights& w = weights_[0];
  const float* output = buffers_.hidden;
  if (!w.heads.empty()) {
    record_block(w.heads[0], w.layers.size(), buffers_.step, buffers_.hidden, buffers_.head_hidden, true);
    output = buffers_.head_hidden;
  }
  record_logits(buffers_.step, output, 0, 0, 1);
}

/// Proposals behind the row of the draft's step; the logits of linear heads are there already, or not.
void CudaSteps::record_proposals(bool has_logits) {
  const CudaWeights& w = weights_[0];
  const cuda::Step* step = &buffers_.draft->step;
  const int n_drafted = config_.n_predict - 1;
  const auto stride = w.heads.empty() ? 0 : static_cast<std::ptrdiff_t>(max_prefill()) * config_.d_model;
  for (std::size_t i = 1; i < w.heads.size(); ++i) {
    float* to = buffers_.head_hidden + static_cast<std::ptrdiff_t>(i) * stride;
    record_block(w.heads[i], w.layers.size() + i, step, buffers_.hidden, to, true);
  }
  if (n_drafted > 0 && !(has_logits && w.heads.empty())) {
    record_logits(step, w.heads.empty() ? buffers_.hidden : buffers_.head_hidden + stride, stride, 1, n_drafted);
  }
  cuda::DraftArgs args{};
  args.draft = buffers_.draft;
  args.logits = buffers_.logits + logits_stride();
  args.logits_stride = logits_stride();
  args.n_predict = config_.n_predict;
  args.end_byte = kEnd;
  args.hidden = buffers_.hidden;
  args.gain = w.final_norm;
  args.eps = static_cast<float>(config_.norm_eps);
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
  if (long_rows_ > 0) long_graph_ = graph([&] { record_chunk(true); });
  chunk_graph_ = graph([&] { record_chunk(false); });
  last_row_graph_ = graph([&] { record_last_row(); });
  rows_graph_ = graph([&] { record_step(false); });
  draft_graph_ = graph([&] { record_proposals(false); });
  step_graph_ = graph([&] {
    record_step(true);
    launch(cuda::AcceptArgs{buffers_.step, buffers_.logits, kEnd, buffers_.draft});
    record_proposals(true);
  });
}

}  // namespace octet::engine

#include "engine/model/f32_runner.h"

#include <algorithm>
#include <cmath>

#include "bytemodel/check.h"
#include "bytemodel/ngram_index.h"
#include "kernels/reference/ops.h"

namespace octet::engine {

namespace ref = kernels::reference;

/// Keys and values of every block, [block][position][kv_dim]; transformer heads are blocks behind the layers.
class F32Runner::CpuCache final : public KvCache {
 public:
  CpuCache(std::size_t capacity, std::size_t n_blocks, std::size_t kv_dim)
      : KvCache(capacity), kv_dim_(kv_dim), keys_(n_blocks * capacity * kv_dim), values_(keys_.size()) {}

  float* keys(std::size_t block_idx, std::size_t pos) { return keys_.data() + index(block_idx, pos); }
  float* values(std::size_t block_idx, std::size_t pos) { return values_.data() + index(block_idx, pos); }
  const float* keys(std::size_t block_idx) const { return keys_.data() + index(block_idx, 0); }
  const float* values(std::size_t block_idx) const { return values_.data() + index(block_idx, 0); }

  void copy(const CpuCache& from) {
    copy_bytes(from);
    keys_ = from.keys_;
    values_ = from.values_;
  }

 private:
  std::size_t index(std::size_t block_idx, std::size_t pos) const { return (block_idx * capacity() + pos) * kv_dim_; }

  std::size_t kv_dim_;
  std::vector<float> keys_;
  std::vector<float> values_;
};

F32Runner::F32Runner(bytemodel::ModelFile model, const kernels::KernelTable& kernels)
    : model_(std::move(model)), weights_(model_), kernels_(kernels) {
  const auto& c = config();
  const auto d = static_cast<std::size_t>(c.d_model);
  const std::size_t context = cache_capacity();
  const auto half = static_cast<std::size_t>(c.head_dim / 2);
  cosine_.resize(context * half);
  sine_.resize(context * half);
  for (std::size_t pos = 0; pos < context; ++pos) {
    ref::rope_angles(static_cast<std::int64_t>(pos), c.rope_theta, c.head_dim / 2, &cosine_[pos * half], &sine_[pos * half]);
  }
  grams_.resize(static_cast<std::size_t>(c.n_orders()) * static_cast<std::size_t>(c.ngram_dim));
  for (auto* rows : {&hidden_, &head_hidden_, &normed_, &delta_}) rows->resize(kMaxBatch * d);
  for (auto* rows : {&q_, &mixed_}) rows->resize(kMaxBatch * static_cast<std::size_t>(c.q_dim()));
  for (auto* rows : {&gate_, &up_}) rows->resize(kMaxBatch * static_cast<std::size_t>(c.d_ff));
  scores_.resize((context + ref::kLanes - 1) / ref::kLanes * ref::kLanes);
  logits_.resize(kMaxBatch * kVocabulary);

  const auto r = static_cast<std::size_t>(c.cell_dim);
  for (auto* vector : {&draft_.hidden, &draft_.normed, &draft_.embedded}) vector->resize(d);
  for (auto* vector : {&draft_.state, &draft_.from_trunk, &draft_.recur, &draft_.from_embedded, &draft_.gate}) vector->resize(r);
  for (auto* row : {&draft_.row, &draft_.cell_row}) row->resize(kVocabulary);
}

std::unique_ptr<KvCache> F32Runner::new_cache() const {
  return std::make_unique<CpuCache>(cache_capacity(), weights_.layers.size() + weights_.heads.size(),
                                    static_cast<std::size_t>(config().kv_dim()));
}

void F32Runner::copy_cache(const KvCache& from, KvCache& to) const { static_cast<CpuCache&>(to).copy(static_cast<const CpuCache&>(from)); }

/// h[d_model] = embed[last byte] + ngram_proj . concat of the n-gram rows that end there.
void F32Runner::embed(std::span<const std::uint8_t> history, float* h) {
  const auto& c = config();
  const auto dim = static_cast<std::size_t>(c.ngram_dim);
  const float* row = weights_.embed + history.back() * static_cast<std::size_t>(c.d_model);
  if (weights_.ngram.empty()) {
    std::copy_n(row, c.d_model, h);
    return;
  }
  for (std::size_t i = 0; i < weights_.ngram.size(); ++i) {
    const auto index = bytemodel::ngram_index(history, c.ngram_orders[i], static_cast<std::uint32_t>(c.ngram_rows));
    std::copy_n(weights_.ngram[i] + index * dim, dim, &grams_[i * dim]);
  }
  kernels_.matmul(grams_.data(), weights_.ngram_proj, h, 1, c.d_model, c.n_orders() * c.ngram_dim);
  ref::add(h, row, static_cast<std::size_t>(c.d_model));
}

/// Norm over each attention head, then RoPE for position `pos`.
void F32Runner::rotate(float* heads, const float* gain, int n_heads, std::size_t pos) {
  const auto& c = config();
  const auto half = static_cast<std::size_t>(c.head_dim / 2);
  ref::rms_norm(heads, gain, static_cast<float>(c.norm_eps), heads, n_heads, c.head_dim);
  ref::rope_rotate(heads, &cosine_[pos * half], &sine_[pos * half], n_heads, c.head_dim / 2);
}

/// Writes the block's keys and values of positions pos .. pos + n_rows - 1, whose input is h[n_rows, d_model].
/// Leaves the normed input in normed_, where run_block() expects it.
void F32Runner::project_keys_values(const BlockWeights& block, std::size_t block_idx, const float* h, std::size_t n_rows, std::size_t pos,
                                    CpuCache& cache) {
  const auto& c = config();
  const int m = static_cast<int>(n_rows);
  ref::rms_norm(h, block.attn_norm, static_cast<float>(c.norm_eps), normed_.data(), m, c.d_model);
  float* keys = cache.keys(block_idx, pos);
  kernels_.matmul(normed_.data(), block.k_proj, keys, m, c.kv_dim(), c.d_model);
  kernels_.matmul(normed_.data(), block.v_proj, cache.values(block_idx, pos), m, c.kv_dim(), c.d_model);
  for (std::size_t row = 0; row < n_rows; ++row) {
    rotate(keys + row * static_cast<std::size_t>(c.kv_dim()), block.k_norm, c.n_kv_heads, pos + row);
  }
}

/// The rest of the block, in place on h[n_rows, d_model]; normed_ holds RMSNorm(h) * attn_norm.
void F32Runner::run_block(const BlockWeights& block, std::size_t block_idx, float* h, std::size_t n_rows, std::size_t pos,
                          const CpuCache& cache) {
  const auto& c = config();
  const int m = static_cast<int>(n_rows);
  const auto q_dim = static_cast<std::size_t>(c.q_dim());
  const std::size_t n_hidden = n_rows * static_cast<std::size_t>(c.d_model);
  const float eps = static_cast<float>(c.norm_eps);

  kernels_.matmul(normed_.data(), block.q_proj, q_.data(), m, c.q_dim(), c.d_model);
  const float q_scale = 1.0F / std::sqrt(static_cast<float>(c.head_dim));
  for (std::size_t row = 0; row < n_rows; ++row) {
    float* q = &q_[row * q_dim];
    rotate(q, block.q_norm, c.n_heads, pos + row);
    ref::scale(q, q_scale, q_dim);
    const auto end = static_cast<std::int64_t>(pos + row + 1);
    const std::int64_t begin = block.window == 0 ? 0 : std::max<std::int64_t>(0, end - block.window);
    kernels_.attention(q, cache.keys(block_idx), cache.values(block_idx), begin, end, {c.n_heads, c.n_kv_heads, c.head_dim}, scores_.data(),
                       &mixed_[row * q_dim]);
  }
  kernels_.matmul(mixed_.data(), block.o_proj, delta_.data(), m, c.d_model, c.q_dim());
  ref::add(h, delta_.data(), n_hidden);

  ref::rms_norm(h, block.ffn_norm, eps, normed_.data(), m, c.d_model);
  kernels_.matmul(normed_.data(), block.gate_proj, gate_.data(), m, c.d_ff, c.d_model);
  kernels_.matmul(normed_.data(), block.up_proj, up_.data(), m, c.d_ff, c.d_model);
  ref::swiglu(gate_.data(), up_.data(), gate_.data(), n_rows * static_cast<std::size_t>(c.d_ff));
  kernels_.matmul(gate_.data(), block.down_proj, delta_.data(), m, c.d_model, c.d_ff);
  ref::add(h, delta_.data(), n_hidden);
}

/// One sequence's rows, into hidden[n, d_model] and logits[n or 1, 256]. Returns the number of rows of logits.
std::size_t F32Runner::forward_piece(const Piece& piece, Rows rows, float* trunk, float* logits) {
  const auto bytes = piece.bytes;
  auto& cache = static_cast<CpuCache&>(*piece.cache);
  const auto& c = config();
  const auto d = static_cast<std::size_t>(c.d_model);
  const std::size_t pos = cache.length();
  cache.append(bytes);

  for (std::size_t row = 0; row < bytes.size(); ++row) embed(cache.bytes().first(pos + row + 1), trunk + row * d);
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    project_keys_values(weights_.layers[i], i, trunk, bytes.size(), pos, cache);
    run_block(weights_.layers[i], i, trunk, bytes.size(), pos, cache);
  }

  const std::size_t first_row = rows == Rows::kAll ? 0 : bytes.size() - 1;
  const std::size_t n_rows = bytes.size() - first_row;
  const float* top = trunk + first_row * d;
  if (!weights_.heads.empty()) {
    // Draft heads need their keys and values of every position; only the primary head, last so that normed_ is its own,
    // runs on.
    for (std::size_t i = weights_.heads.size(); i-- > 0;) {
      project_keys_values(weights_.heads[i], weights_.layers.size() + i, trunk, bytes.size(), pos, cache);
    }
    std::copy_n(trunk, bytes.size() * d, head_hidden_.data());
    run_block(weights_.heads[0], weights_.layers.size(), head_hidden_.data(), bytes.size(), pos, cache);
    top = &head_hidden_[first_row * d];
  }
  ref::rms_norm(top, weights_.final_norm, static_cast<float>(c.norm_eps), normed_.data(), static_cast<int>(n_rows), c.d_model);
  kernels_.matmul(normed_.data(), weights_.unembed, logits, static_cast<int>(n_rows), kVocabulary, c.d_model);
  return n_rows;
}

LogitsRows F32Runner::forward(std::span<const Piece> pieces, Rows rows) {
  OCTET_CHECK(rows == Rows::kAll || pieces.size() == 1);
  std::size_t first = 0;
  std::size_t n_rows = 0;
  for (const Piece& piece : pieces) {
    OCTET_CHECK(!piece.bytes.empty() && piece.bytes.size() <= kMaxBatch - first);
    n_rows += forward_piece(piece, rows, &hidden_[first * static_cast<std::size_t>(config().d_model)], &logits_[first * kVocabulary]);
    first += piece.bytes.size();
  }
  return {logits_.data(), n_rows};
}

std::span<const float> F32Runner::hidden(std::size_t row) const {
  const auto d = static_cast<std::size_t>(config().d_model);
  return std::span(hidden_).subspan(row * d, d);
}

void F32Runner::begin_draft(std::size_t row, const KvCache& any_cache) {
  const auto& c = config();
  const auto& cache = static_cast<const CpuCache&>(any_cache);
  const auto bytes = cache.bytes();
  const auto tail = bytemodel::ngram_tail(bytes, c.ngram_orders);

  draft_.head_idx = 0;
  draft_.pos = bytes.size() - 1;
  draft_.cache = &cache;
  draft_.history.assign(tail.begin(), tail.end());
  const auto from = hidden(row);
  std::copy(from.begin(), from.end(), draft_.hidden.begin());
  ref::rms_norm(draft_.hidden.data(), weights_.final_norm, static_cast<float>(c.norm_eps), draft_.normed.data(), 1, c.d_model);
  if (c.cell_dim > 0) {
    std::fill(draft_.state.begin(), draft_.state.end(), 0.0F);
    kernels_.matmul(draft_.normed.data(), weights_.cell.in, draft_.from_trunk.data(), 1, c.cell_dim, c.d_model);
  }
}

LogitsRow F32Runner::next_draft(std::uint8_t previous) {
  const auto& c = config();
  const auto d = static_cast<std::size_t>(c.d_model);
  ++draft_.head_idx;
  OCTET_CHECK(draft_.head_idx < c.n_predict);
  const auto head = static_cast<std::size_t>(draft_.head_idx);
  draft_.history.push_back(previous);

  const float* input = draft_.normed.data();
  if (!weights_.heads.empty()) {
    float* h = head_hidden_.data();
    std::copy(draft_.hidden.begin(), draft_.hidden.end(), h);
    ref::rms_norm(h, weights_.heads[head].attn_norm, static_cast<float>(c.norm_eps), normed_.data(), 1, c.d_model);
    run_block(weights_.heads[head], weights_.layers.size() + head, h, 1, draft_.pos, *draft_.cache);
    ref::rms_norm(h, weights_.final_norm, static_cast<float>(c.norm_eps), normed_.data(), 1, c.d_model);
    input = normed_.data();
  }
  kernels_.matmul(input, weights_.unembed + head * kVocabulary * d, draft_.row.data(), 1, kVocabulary, c.d_model);

  if (c.cell_dim > 0) {
    embed(draft_.history, draft_.embedded.data());
    ref::rms_norm(draft_.embedded.data(), nullptr, static_cast<float>(c.norm_eps), draft_.embedded.data(), 1, c.d_model);
    kernels_.matmul(draft_.state.data(), weights_.cell.recur, draft_.recur.data(), 1, c.cell_dim, c.cell_dim);
    kernels_.matmul(draft_.embedded.data(), weights_.cell.embed, draft_.from_embedded.data(), 1, c.cell_dim, c.d_model);
    kernels_.matmul(draft_.embedded.data(), weights_.cell.gate, draft_.gate.data(), 1, c.cell_dim, c.d_model);
    ref::cell_update(draft_.state.data(), draft_.recur.data(), draft_.from_trunk.data(), draft_.from_embedded.data(), draft_.gate.data(),
                     c.cell_dim);
    kernels_.matmul(draft_.state.data(), weights_.cell.out, draft_.cell_row.data(), 1, kVocabulary, c.cell_dim);
    ref::add(draft_.row.data(), draft_.cell_row.data(), kVocabulary);
  }
  return LogitsRow(draft_.row.data(), kVocabulary);
}

}  // namespace octet::engine

#include "engine/model/int8_runner.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "bytemodel/check.h"
#include "bytemodel/ngram_index.h"
#include "kernels/reference/ops.h"

namespace octet::engine {

namespace int8 = kernels::int8;
using bytemodel::ModelConfig;

namespace {

int widest(const ModelConfig& c) { return std::max({c.d_model, c.d_ff, c.q_dim(), c.n_orders() * c.ngram_dim, c.cell_dim}); }

}  // namespace

Int8Runner::RowBuffer::RowBuffer(int n_rows, int k)
    : stride_(int8::row_bytes(k)), values_(static_cast<std::size_t>(n_rows) * stride_), scales_(static_cast<std::size_t>(n_rows)) {}

Int8Runner::Scratch::Scratch(const ModelConfig& c) : rows(kOwnRows, widest(c)) {
  const auto n = static_cast<std::size_t>(kAttentionRows) * static_cast<std::size_t>(c.n_heads / c.n_kv_heads);
  begin.resize(n);
  end.resize(n);
  out.resize(n);
}

Int8Runner::Draft::Draft(const ModelConfig& c)
    : hidden(static_cast<std::size_t>(c.d_model)),
      normed(1, c.d_model),
      input(1, widest(c)),
      grams(static_cast<std::size_t>(c.n_orders() * c.ngram_dim)),
      embedded(hidden.size()),
      row(kVocabulary) {
  for (auto* vector : {&state, &from_trunk, &recur}) vector->resize(static_cast<std::size_t>(c.cell_dim));
  embed_gate.resize(2 * static_cast<std::size_t>(stacked_rows(c.cell_dim)));
}

Int8Runner::Int8Runner(bytemodel::ModelFile model, const int8::Kernels& kernels, unsigned n_threads)
    : model_(std::move(model)),
      weights_(model_),
      kernels_(kernels),
      team_(n_threads),
      value_at_(stacked_rows(config().kv_dim())),
      query_at_(2 * value_at_),
      kv_q_width_(query_at_ + stacked_rows(config().q_dim())),
      rows_(kMaxBatch, widest(config())),
      queries_(kMaxBatch * config().n_heads, config().head_dim),
      scratch_(n_threads, Scratch(config())),
      draft_(config()) {
  const ModelConfig& c = config();
  attention_scale_ = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(c.head_dim)));
  const auto half = static_cast<std::size_t>(c.head_dim / 2);
  cosine_.resize(cache_capacity() * half);
  sine_.resize(cosine_.size());
  for (std::size_t pos = 0; pos < cache_capacity(); ++pos) {
    kernels::reference::rope_angles(static_cast<std::int64_t>(pos), c.rope_theta, c.head_dim / 2, &cosine_[pos * half], &sine_[pos * half]);
  }
  const auto rows_of = [](std::vector<float>& rows, int width) { rows.resize(kMaxBatch * static_cast<std::size_t>(width)); };
  rows_of(hidden_, c.d_model);
  rows_of(head_hidden_, c.d_model);
  rows_of(grams_, c.n_orders() * c.ngram_dim);
  rows_of(kv_q_, kv_q_width_);
  rows_of(mixed_, c.q_dim());
  rows_of(active_, c.d_ff);
  rows_of(logits_, kVocabulary);
  pos_.resize(kMaxBatch);
  cache_.resize(kMaxBatch);
}

std::unique_ptr<KvCache> Int8Runner::new_cache() const {
  Int8Cache::Shape shape{{}, config().n_kv_heads, config().head_dim, kMaxBatch};
  for (const auto& layer : weights_.layers) shape.windows.push_back(layer.window);
  for (const auto& head : weights_.heads) shape.windows.push_back(head.window);
  return std::make_unique<Int8Cache>(cache_capacity(), shape);
}

/// This member's panels of y[m, n] = x . w^T.
void Int8Runner::product(const Member& member, int8::Rows x, int m, const PackedMatrix& w, bool add, float* y, std::ptrdiff_t stride) {
  const auto share = member.share(w.n_panels());
  kernels_.matmul(x, m, w.view(), share.begin, share.end, add, {y, stride});
}

/// The rows [first, end) quantised by `quantize`(first row, how many, to where), and readable by this member.
template <class Quantize>
int8::Rows Int8Runner::quantized(const Member& member, int first, int end, int k, Quantize quantize) {
  // A buffer's rows have the stride of its widest input; kernels expect that of k.
  const auto at = [&](RowBuffer& buffer, int row) {
    int8::Rows rows = buffer.from(0);
    rows.values += static_cast<std::size_t>(row) * int8::row_bytes(k);
    rows.scales += row;
    return rows;
  };
  if (end - first <= kOwnRows) {
    RowBuffer& own = scratch_[static_cast<std::size_t>(member.index())].rows;
    quantize(first, end - first, at(own, 0));
    return at(own, 0);
  }
  const auto share = member.share(end - first);
  quantize(first + share.begin, share.end - share.begin, at(rows_, share.begin));
  member.wait_for_all();
  return at(rows_, 0);
}

/// h[d_model] = the embedding of the last byte of `history`; grams = the n-gram rows that end there, one behind the other.
void Int8Runner::embed(std::span<const std::uint8_t> history, float* grams, float* h) const {
  const ModelConfig& c = config();
  weights_.embed.copy_row(history.back(), h);
  for (std::size_t i = 0; i < weights_.ngram.size(); ++i) {
    const auto index = bytemodel::ngram_index(history, c.ngram_orders[i], static_cast<std::uint32_t>(c.ngram_rows));
    weights_.ngram[i].copy_row(index, grams + i * static_cast<std::size_t>(c.ngram_dim));
  }
}

void Int8Runner::embed_rows(const Member& member, std::span<const Piece> pieces, int n_rows) {
  const ModelConfig& c = config();
  const auto d = static_cast<std::size_t>(c.d_model);
  const int width = c.n_orders() * c.ngram_dim;
  const auto share = member.share(n_rows);
  int row = 0;
  for (const Piece& piece : pieces) {
    const std::size_t before = piece.cache->length() - piece.bytes.size();
    for (std::size_t i = 0; i < piece.bytes.size(); ++i, ++row) {
      if (row < share.begin || row >= share.end) continue;
      const auto at = static_cast<std::size_t>(row);
      embed(piece.cache->bytes().first(before + i + 1), grams_.data() + at * static_cast<std::size_t>(width), &hidden_[at * d]);
    }
  }
  member.wait_for_all();
  if (width == 0) return;
  const auto grams = quantized(member, 0, n_rows, width, [&](int first, int n, int8::Rows out) {
    kernels_.quantize(grams_.data() + static_cast<std::ptrdiff_t>(first) * width, n, width, out);
  });
  product(member, grams, n_rows, weights_.ngram_proj, true, hidden_.data(), c.d_model);
  member.wait_for_all();
}

/// A row's key, normed and rotated, and its value go to the cache.
void Int8Runner::append_kv(const PackedBlock& block, std::size_t block_idx, int kv_head, int row) {
  const ModelConfig& c = config();
  const auto at = static_cast<std::size_t>(row);
  const std::size_t pos = pos_[at];
  float* key = &kv_q_[at * static_cast<std::size_t>(kv_q_width_) + static_cast<std::size_t>(kv_head * c.head_dim)];
  kernels_.rotate(key, block.k_norm, static_cast<float>(c.norm_eps), cosine_of(pos), sine_of(pos), 1, c.head_dim);
  kernels_.append_kv(key, key + value_at_, c.head_dim, cache_[at]->block_of(block_idx, kv_head, pos),
                     static_cast<int>(pos % int8::kKvBlock));
}

/// The queries of a row that read a key/value head, normed, rotated and quantised.
void Int8Runner::prepare_queries(const PackedBlock& block, int kv_head, int row) {
  const ModelConfig& c = config();
  const auto at = static_cast<std::size_t>(row);
  const std::size_t pos = pos_[at];
  float* query = &kv_q_[at * static_cast<std::size_t>(kv_q_width_) + static_cast<std::size_t>(query_at_ + kv_head * group() * c.head_dim)];
  kernels_.rotate(query, block.q_norm, static_cast<float>(c.norm_eps), cosine_of(pos), sine_of(pos), group(), c.head_dim);
  kernels_.quantize(query, group(), c.head_dim, queries_.from((kv_head * kMaxBatch + row) * group()));
}

void Int8Runner::attend(const Member& member, const PackedBlock& block, std::size_t block_idx, int kv_head, const Run& run) {
  const ModelConfig& c = config();
  Scratch& scratch = scratch_[static_cast<std::size_t>(member.index())];
  std::size_t query = 0;
  for (int i = 0; i < run.n_rows; ++i) {
    const auto end = static_cast<std::int64_t>(run.pos) + i + 1;
    for (int j = 0; j < group(); ++j, ++query) {
      scratch.end[query] = end;
      scratch.begin[query] = block.window == 0 ? 0 : std::max<std::int64_t>(0, end - block.window);
      scratch.out[query] = &mixed_[static_cast<std::size_t>(run.first_row + i) * static_cast<std::size_t>(c.q_dim()) +
                                   static_cast<std::size_t>((kv_head * group() + j) * c.head_dim)];
    }
  }
  kernels_.attention({queries_.from((kv_head * kMaxBatch + run.first_row) * group()), scratch.begin.data(), scratch.end.data(),
                      run.n_rows * group(), c.head_dim, attention_scale_, run.cache->blocks(block_idx, kv_head),
                      run.cache->n_blocks(block_idx), scratch.out.data()});
}

/// This member's share of the products that give keys, values and queries of the rows in `step`.
void Int8Runner::project(const Member& member, const PackedBlock& block, const float* h, const BlockStep& step) {
  const ModelConfig& c = config();
  const int n_kv_panels = query_at_ / int8::kPanel;
  const auto w = block.kv_q.view();
  const auto part = [&](int8::Rows x, int first_row, int m, int first_panel, int n_panels) {
    const auto share = member.share(n_panels);
    kernels_.matmul(x, m, w, first_panel + share.begin, first_panel + share.end, false,
                    {kv_q_.data() + static_cast<std::ptrdiff_t>(first_row) * kv_q_width_, kv_q_width_});
  };
  const int first = step.appends ? 0 : step.first_query;
  const auto x = quantized(member, first, step.n_rows, c.d_model, [&](int row, int n, int8::Rows out) {
    kernels_.norm_quantize(h + static_cast<std::ptrdiff_t>(row) * c.d_model, block.attn_norm, static_cast<float>(c.norm_eps), n, c.d_model,
                           out);
  });
  if (step.appends && step.first_query == 0) return part(x, 0, step.n_rows, 0, block.kv_q.n_panels());
  if (step.appends) part(x, 0, step.n_rows, 0, n_kv_panels);
  const int skipped = step.first_query - first;
  const int8::Rows from_query{x.values + static_cast<std::size_t>(skipped) * int8::row_bytes(c.d_model), x.scales + skipped};
  part(from_query, step.first_query, step.n_rows - step.first_query, n_kv_panels, block.kv_q.n_panels() - n_kv_panels);
}

/// One block in place on h[n_rows, d_model]: keys and values of all rows, everything else of those that query.
void Int8Runner::run_block(const Member& member, const PackedBlock& block, std::size_t block_idx, float* h, const BlockStep& step) {
  const ModelConfig& c = config();
  project(member, block, h, step);
  member.wait_for_all();

  const auto prepare = [&](int kv_head, int row) {
    if (step.appends) append_kv(block, block_idx, kv_head, row);
    if (row >= step.first_query) prepare_queries(block, kv_head, row);
  };
  // A member that has whole heads for itself need not wait for the others before it attends.
  if (c.n_kv_heads % member.size() == 0) {
    const auto heads = member.share(c.n_kv_heads);
    for (int head = heads.begin; head < heads.end; ++head) {
      for (int row = 0; row < step.n_rows; ++row) prepare(head, row);
    }
  } else {
    const auto items = member.share(c.n_kv_heads * step.n_rows);
    for (int i = items.begin; i < items.end; ++i) prepare(i / step.n_rows, i % step.n_rows);
    member.wait_for_all();
  }
  const int n_runs = static_cast<int>(step.runs.size());
  const auto items = member.share(c.n_kv_heads * n_runs);
  for (int i = items.begin; i < items.end; ++i)
    attend(member, block, block_idx, i / n_runs, step.runs[static_cast<std::size_t>(i % n_runs)]);
  member.wait_for_all();
  if (step.first_query == step.n_rows) return;

  const int first_row = step.first_query;
  const int n_rows = step.n_rows;
  const int m = n_rows - first_row;
  float* top = h + static_cast<std::ptrdiff_t>(first_row) * c.d_model;
  const auto mixed = quantized(member, first_row, n_rows, c.q_dim(), [&](int first, int n, int8::Rows out) {
    kernels_.quantize(mixed_.data() + static_cast<std::ptrdiff_t>(first) * c.q_dim(), n, c.q_dim(), out);
  });
  product(member, mixed, m, block.out, true, top, c.d_model);
  member.wait_for_all();

  const auto input = quantized(member, first_row, n_rows, c.d_model, [&](int first, int n, int8::Rows out) {
    kernels_.norm_quantize(h + static_cast<std::ptrdiff_t>(first) * c.d_model, block.ffn_norm, static_cast<float>(c.norm_eps), n, c.d_model,
                           out);
  });
  const auto pairs = member.share(block.gate_up.n_panels() / 2);
  auto gate_up = block.gate_up.view();
  gate_up.n = 2 * c.d_ff;  // without the rows that fill the last panels
  kernels_.matmul_swiglu(input, m, gate_up, pairs.begin, pairs.end, {active_.data(), c.d_ff});
  member.wait_for_all();
  const auto active = quantized(member, 0, m, c.d_ff, [&](int first, int n, int8::Rows out) {
    kernels_.quantize(active_.data() + static_cast<std::ptrdiff_t>(first) * c.d_ff, n, c.d_ff, out);
  });
  product(member, active, m, block.down, true, top, c.d_model);
  member.wait_for_all();
}

/// Takes the bytes into their caches and lays out the rows. Returns how many there are.
int Int8Runner::append(std::span<const Piece> pieces) {
  int n_rows = 0;
  runs_.clear();
  for (const Piece& piece : pieces) {
    const int n = static_cast<int>(piece.bytes.size());
    OCTET_CHECK(n > 0 && n <= kMaxBatch - n_rows);
    auto& cache = static_cast<Int8Cache&>(*piece.cache);
    const std::size_t pos = cache.length();
    cache.append(piece.bytes);
    cache.will_write(pos, cache.length());
    for (int i = 0; i < n; ++i, ++n_rows) {
      const auto row = static_cast<std::size_t>(n_rows);
      pos_[row] = pos + static_cast<std::size_t>(i);
      cache_[row] = &cache;
      if (i % kAttentionRows == 0) runs_.push_back({n_rows, std::min(kAttentionRows, n - i), pos_[row], &cache});
    }
  }
  OCTET_CHECK(n_rows > 0);
  return n_rows;
}

LogitsRows Int8Runner::forward(std::span<const Piece> pieces, Rows rows) {
  OCTET_CHECK(rows == Rows::kAll || pieces.size() == 1);
  const ModelConfig& c = config();
  const int n_rows = append(pieces);
  const int first_row = rows == Rows::kAll ? 0 : n_rows - 1;
  const auto last = static_cast<std::size_t>(n_rows - 1);
  const Run last_row{n_rows - 1, 1, pos_[last], cache_[last]};
  const BlockStep whole{n_rows, 0, true, runs_};
  // Rows that nobody asked for end with the keys and values of the last block.
  const BlockStep top{n_rows, first_row, true, first_row == 0 ? std::span<const Run>(runs_) : std::span(&last_row, 1)};
  const BlockStep only_append{n_rows, n_rows, true, {}};

  const auto length = n_rows < kLongStep ? ThreadTeam::Length::kShort : ThreadTeam::Length::kLong;
  const auto step = [&](const Member& member) {
    embed_rows(member, pieces, n_rows);
    const std::size_t n_layers = weights_.layers.size();
    const std::size_t n_heads = weights_.heads.size();
    for (std::size_t i = 0; i < n_layers; ++i) {
      run_block(member, weights_.layers[i], i, hidden_.data(), i + 1 == n_layers && n_heads == 0 ? top : whole);
    }
    float* output = hidden_.data();
    if (n_heads > 0) {
      const auto share = member.share(n_rows * c.d_model);
      std::copy(hidden_.data() + share.begin, hidden_.data() + share.end, head_hidden_.data() + share.begin);
      for (std::size_t i = 1; i < n_heads; ++i) run_block(member, weights_.heads[i], n_layers + i, hidden_.data(), only_append);
      member.wait_for_all();
      output = head_hidden_.data();
      run_block(member, weights_.heads[0], n_layers, output, top);
    }
    const auto g = quantized(member, first_row, n_rows, c.d_model, [&](int first, int n, int8::Rows out) {
      kernels_.norm_quantize(output + static_cast<std::ptrdiff_t>(first) * c.d_model, weights_.final_norm, static_cast<float>(c.norm_eps),
                             n, c.d_model, out);
    });
    product(member, g, n_rows - first_row, weights_.unembed[0], false, logits_.data(), kVocabulary);
  };
  team_.run(step, length);
  return {logits_.data(), static_cast<std::size_t>(n_rows - first_row)};
}

std::span<const float> Int8Runner::hidden(std::size_t row) const {
  const auto d = static_cast<std::size_t>(config().d_model);
  return std::span(hidden_).subspan(row * d, d);
}

void Int8Runner::begin_draft(std::size_t row, const KvCache& cache) {
  const ModelConfig& c = config();
  const auto bytes = cache.bytes();
  const auto tail = bytemodel::ngram_tail(bytes, c.ngram_orders);
  draft_.head_idx = 0;
  draft_.pos = bytes.size() - 1;
  draft_.cache = static_cast<const Int8Cache*>(&cache);
  draft_.history.assign(tail.begin(), tail.end());
  const auto from = hidden(row);
  std::copy(from.begin(), from.end(), draft_.hidden.begin());
  kernels_.norm_quantize(draft_.hidden.data(), weights_.final_norm, static_cast<float>(c.norm_eps), 1, c.d_model, draft_.normed.from(0));
  if (c.cell_dim > 0) {
    std::fill(draft_.state.begin(), draft_.state.end(), 0.0F);
    product(ThreadTeam::alone(), draft_.normed.from(0), 1, weights_.cell.in, false, draft_.from_trunk.data(), c.cell_dim);
  }
}

LogitsRow Int8Runner::next_draft(std::uint8_t previous) {
  const ModelConfig& c = config();
  const auto alone = ThreadTeam::alone();
  const float eps = static_cast<float>(c.norm_eps);
  ++draft_.head_idx;
  OCTET_CHECK(draft_.head_idx < c.n_predict);
  const auto head = static_cast<std::size_t>(draft_.head_idx);
  draft_.history.push_back(previous);

  const auto input = draft_.input.from(0);
  auto normed = draft_.normed.from(0);
  if (!weights_.heads.empty()) {
    float* h = head_hidden_.data();
    std::copy(draft_.hidden.begin(), draft_.hidden.end(), h);
    pos_[0] = draft_.pos;
    const Run run{0, 1, draft_.pos, draft_.cache};
    run_block(alone, weights_.heads[head], weights_.layers.size() + head, h, {1, 0, false, std::span(&run, 1)});
    kernels_.norm_quantize(h, weights_.final_norm, eps, 1, c.d_model, input);
    normed = input;
  }
  product(alone, normed, 1, weights_.unembed[head], false, draft_.row.data(), kVocabulary);

  if (c.cell_dim > 0) {
    const int width = c.n_orders() * c.ngram_dim;
    embed(draft_.history, draft_.grams.data(), draft_.embedded.data());
    if (width > 0) {
      kernels_.quantize(draft_.grams.data(), 1, width, input);
      product(alone, input, 1, weights_.ngram_proj, true, draft_.embedded.data(), c.d_model);
    }
    kernels_.norm_quantize(draft_.embedded.data(), nullptr, eps, 1, c.d_model, input);
    product(alone, input, 1, weights_.cell.embed_gate, false, draft_.embed_gate.data(), 0);
    kernels_.quantize(draft_.state.data(), 1, c.cell_dim, input);
    product(alone, input, 1, weights_.cell.recur, false, draft_.recur.data(), 0);
    kernels_.cell_update(draft_.state.data(), draft_.recur.data(), draft_.from_trunk.data(), draft_.embed_gate.data(),
                         draft_.embed_gate.data() + stacked_rows(c.cell_dim), c.cell_dim);
    kernels_.quantize(draft_.state.data(), 1, c.cell_dim, input);
    product(alone, input, 1, weights_.cell.out, true, draft_.row.data(), 0);
  }
  return LogitsRow(draft_.row.data(), kVocabulary);
}

}  // namespace octet::engine

// What each kernel is launched with, and the launches themselves. A kernel's header comment is in its .cu file.
#pragma once

#include "kernels/cuda/layout.h"

namespace octet::kernels::cuda {

/// Embedding and n-grams.
struct Embedding {
  Format format = Format::kInt8;  // of all that is in here
  Table embed;                    // rows of d_model
  int d_model = 0;
  Matrix ngram_proj;
  Table ngram[kMaxOrders];  // [n_orders] rows of ngram_dim
  int orders[kMaxOrders] = {};
  int n_orders = 0;
  int ngram_rows = 0;  // a power of two
  int ngram_dim = 0;
};

/// hidden[n_rows, d_model] = the step's bytes, embedded.
struct EmbedArgs {
  const Step* step;
  Embedding embedding;
  float* hidden;
};

/// Keys and values into the caches, queries into a buffer, of the heads [first_head, first_head + n) of kv_q.
struct QkvArgs {
  const Step* step;
  const float* hidden;  // [.., d_model]
  const float* gain;    // [d_model]
  float eps;
  Matrix kv_q;  // the key heads, the value heads, the query heads, each in whole tiles
  Heads heads;
  int first_head;
  int n_heads;
  const float* q_norm;  // [head_dim]
  const float* k_norm;
  const float* cosine;  // [pos, head_dim / 2]
  const float* sine;
  KvLayer kv;
  std::byte* queries;   // [n_rows, n_heads, key_bytes(head_dim)]
  float* query_scales;  // kInt8: [n_rows, n_heads]
};

/// mixed[n_rows, n_heads * head_dim] = attention of the queries.
struct AttentionArgs {
  Format format;  // of queries, keys and values
  const Step* step;
  const std::byte* queries;
  const float* query_scales;
  Heads heads;
  float scale;  // head_dim^-0.5 * log2(e)
  KvLayer kv;
  int max_runs;    // that a step has
  int max_blocks;  // that a row can see: attention_blocks()
  float* partial;  // [n_rows, n_heads, max_blocks, head_dim + 2] what attention_keys() keys add, their largest score and their sum
  int* n_done;     // [max_runs, n_kv_heads] blocks that are done; 0 before and after
  float* mixed;
};
/// Blocks of attention_keys() that a run's rows can touch at most.
constexpr int attention_blocks(const KvLayer& kv, int capacity, Format format) {
  const int n_keys = attention_keys(format);
  const int all = (capacity + n_keys - 1) / n_keys;
  const int of_window = (kv.window + kMaxRows + n_keys - 1) / n_keys + 1;
  return kv.window == 0 || all < of_window ? all : of_window;
}

/// to = from + w . x, x[n_rows, k] in the format of w.
struct AddProductArgs {
  const Step* step;
  const float* x;
  Matrix w;
  const float* from;  // [.., n], by first_row
  float* to;          // may be from
};

/// active[n_rows, d_ff] = silu(gate) * up of the normed hidden rows.
struct GateUpArgs {
  const Step* step;
  const float* hidden;
  const float* gain;
  float eps;
  Matrix gate_up;  // tiles of gate and up in turn
  int d_ff;
  float* active;
};

/// Logits [n_rows, 256] of the final-normed hidden rows, for each head of `unembed`, [n_heads * 256, d_model].
struct HeadArgs {
  const Step* step;
  const float* hidden;
  std::ptrdiff_t hidden_stride;  // floats from head to head; 0: all heads read the same rows
  const float* gain;
  float eps;
  Matrix unembed;
  float* logits;  // by first_row
  std::ptrdiff_t logits_stride;
};

// A chunk of a prompt has up to kChunkRows positions: too many to keep their rows in a block's shared memory. They are put into a buffer
// in the format of the weights, and the products read it; a weight that was loaded serves all of them.

/// Rows in the device's memory. Rows that are not there and columns behind k are zeros.
struct ChunkRows {
  Format format;
  unsigned* words;
  float* scales;    // kInt8: [n_rows]
  int n_rows;       // that there is room for, in eights
  int row_stride;   // words from row to row
  int step_stride;  // words from step to step of k

  constexpr std::ptrdiff_t at(int row, int word) const {
    return static_cast<std::ptrdiff_t>(word / kStepWords) * step_stride + static_cast<std::ptrdiff_t>(row) * row_stride + word % kStepWords;
  }
};
constexpr std::size_t chunk_words(int n_rows, int k, Format format) {
  return static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(n_words(k, format));
}
/// [steps of k][kChunkRows][kStepWords], for chunk_product: what a warp reads at once lies together.
constexpr ChunkRows rows_by_step(Format format, unsigned* words, float* scales) {
  return {format, words, scales, kChunkRows, kStepWords, kChunkRows * kStepWords};
}
/// [n_rows][n_words(k)], for cuBLASLt.
constexpr ChunkRows rows_by_row(Format format, unsigned* words, float* scales, int n_rows, int k) {
  return {format, words, scales, n_rows, n_words(k, format), kStepWords};
}

/// hidden = the embeddings alone; grams = the n-gram rows.
struct EmbedChunkArgs {
  const Step* step;
  Embedding embedding;
  float* hidden;
  ChunkRows grams;
};

/// out = the rows of x[.., k], RMSNormed and times gain where there is one, in the format of out.
struct QuantizeArgs {
  const Step* step;
  const float* x;     // by first_row where it is normed, else from row 0 on
  const float* gain;  // [k], or nullptr: no norm
  float eps;
  int k;
  ChunkRows out;
};

/// to = w . x, from + w . x, or silu(gate) * up where w has tiles of both in turn.
struct ChunkProductArgs {
  enum class Kind { kStore, kAdd, kSwiglu };
  Kind kind;
  const Step* step;
  ChunkRows x;
  Matrix w;
  const float* from;  // kAdd: [.., n] by first_row
  float* to;          // kAdd: as from, which it may be; else from row 0 on: [.., n], kSwiglu: [.., d_ff]
  int d_ff;           // kSwiglu
};

// A long chunk is multiplied by cuBLASLt, which wants plain rows: of weights they are made when they are needed, and overwritten.

/// rows[whole tiles of n, n_words(k)] = the words of w.
struct UnpackArgs {
  Matrix w;
  unsigned* rows;
};

/// All in whole tiles and steps.
struct MatmulShape {
  Format format = Format::kInt8;
  int n = 0;
  int k = 0;
  int n_rows = 0;

  bool operator==(const MatmulShape&) const = default;
};
constexpr MatmulShape matmul_shape(const Matrix& w, int n_rows) {
  return {w.format, n_tiles(w.n) * kTile, n_words(w.k, w.format) * per_word(w.format), n_rows};
}
/// sums[n_rows, n] = rows[n_rows, k] . weights[n, k]: integers of 32 bits in kInt8, and so exact; floats in kBf16, added in cuBLASLt's
/// order.
struct MatmulArgs {
  MatmulShape shape;
  const void* weights;
  const void* rows;
  void* sums;
  void* workspace;  // kMatmulWorkspace bytes
};
inline constexpr std::size_t kMatmulWorkspace = std::size_t{32} << 20;  // Source: what cuBLAS's documentation says of sm_90

/// What chunk_product() does with its sums: product.x says how many rows there are room for.
struct FinishProductArgs {
  ChunkProductArgs product;
  const void* sums;  // as in MatmulArgs
};

/// As QkvArgs says, from the numbers of kv_q.
struct FinishHeadsArgs {
  QkvArgs qkv;           // without what the product reads
  const float* numbers;  // [n_rows, n of kv_q]
  int n_rows;            // that there is room for
};

/// From the rows of logits to the row that proposals start from: as the text of the step's first run goes on, as far as it is what the
/// primary head chooses under the UTF-8 mask.
struct AcceptArgs {
  const Step* step;
  const float* logits;
  int end_byte;  // allowed where a character may begin
  DraftStep* draft;
};

/// The draft cell; dim 0: none.
struct Cell {
  int dim = 0;
  Matrix in, recur, out;
  Matrix embed_gate;  // embed and gate, each from a whole tile on
};

/// The rows of heads 2 .. n_predict behind draft->step, a byte of each chosen under the UTF-8 mask where it is not given.
struct DraftArgs {
  const DraftStep* draft;
  const float* logits;           // of heads 2 .. n_predict, [.., 256] by draft->step.first_row; without the cell's part
  std::ptrdiff_t logits_stride;  // floats from head to head
  int n_predict;
  int end_byte;
  const float* hidden;  // [.., d_model], for the cell
  const float* gain;
  float eps;
  Embedding embedding;
  Cell cell;
  Verdict* verdict;
  float* rows;  // [n_predict - 1, 256]
};

}  // namespace octet::kernels::cuda

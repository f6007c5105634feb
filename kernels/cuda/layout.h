// How operands lie in the memory of the device, and what the host says to a kernel. Plain C++: included by kernels and by who launches
// them. Pointers are to the device's memory unless said.
#pragma once

#include <cstddef>
#include <cstdint>

namespace octet::kernels::cuda {

inline constexpr int kWarps = 8;  // of a block
inline constexpr int kThreads = 32 * kWarps;
inline constexpr int kBlocksAtOnce = 2;  // on a multiprocessor: at most 128 registers a thread
inline constexpr int kMaxRows = 8;       // positions of a step: the columns of an mma, and a warp for each
inline constexpr int kChunkRows = 64;    // positions of a chunk of a prompt that our kernels multiply
inline constexpr int kLongRows = 512;    // the most of one that cuBLASLt multiplies
inline constexpr int kMaxRuns = kLongRows / kMaxRows;
inline constexpr int kTile = 16;         // output rows of an mma
inline constexpr int kStepWords = 8;     // of each row that an mma multiplies: a step
inline constexpr int kSliceSteps = 256;  // of rows in shared memory at once; a multiple of kWarps, so that slices change no order of sums
static_assert(kSliceSteps % kWarps == 0);
inline constexpr int kKvBlock = 256;  // positions of a block of keys and values, aligned to absolute positions
inline constexpr int kVocabulary = 256;
inline constexpr int kMaxTail = 32;  // bytes that an n-gram may reach back
inline constexpr int kMaxOrders = 16;
inline constexpr int kMaxPredict = 64;

constexpr int n_tiles(int n) { return (n + kTile - 1) / kTile; }

/// What weights, the rows that they multiply, keys, values and tables consist of. mma.m16n8k32 of int8 and mma.m16n8k16 of bf16 take the
/// same words from the same lanes, so that all layouts are the same in words, and differ in the numbers of a word.
enum class Format : std::int32_t {
  kInt8,  // integers with a scale a row; sums are exact, and the bits those of the CPU's int8 profile
  kBf16,  // no scales; sums in f32, in an order that depends on nothing but the number of columns
};
constexpr int per_word(Format format) { return format == Format::kInt8 ? 4 : 2; }
constexpr int number_bytes(Format format) { return 4 / per_word(format); }
constexpr int n_steps(int k, Format format) {
  const int depth = kStepWords * per_word(format);
  return (k + depth - 1) / depth;
}
constexpr int n_words(int k, Format format) { return n_steps(k, format) * kStepWords; }

/// A weight matrix [n, k] as mma takes it for a: [n/16][steps of k][32 lanes][16 bytes], a lane's four registers in one load. Rows and
/// columns beyond n and k are 0, scales too.
struct Matrix {
  const void* fragments = nullptr;  // 16-byte aligned
  const float* scales = nullptr;    // kInt8: [n] of each row, padded to whole tiles
  int n = 0;
  int k = 0;
  Format format = Format::kInt8;
};
constexpr std::size_t fragment_bytes(int n, int k, Format format) {
  return static_cast<std::size_t>(n_tiles(n)) * static_cast<std::size_t>(n_words(k, format)) * kTile * 4;
}
/// Rows [first, first + n) of w; first in whole tiles.
inline Matrix rows_of(const Matrix& w, int first, int n) {
  return {static_cast<const std::byte*>(w.fragments) + fragment_bytes(first, w.k, w.format),
          w.scales == nullptr ? nullptr : w.scales + first, n, w.k, w.format};
}
/// Writes rows[n, k] (row-major numbers of the format) as fragments; on the host.
void pack_fragments(const void* rows, int n, int k, Format format, void* fragments);

/// Rows to look up: kInt8: row i stands for values[i] * scales[i].
struct Table {
  const void* values = nullptr;
  const float* scales = nullptr;
};

/// Keys and values of kKvBlock positions of one key/value head, one behind the other: keys [position][key_bytes], values
/// [head_dim in whole tiles][position], kInt8: the scales of keys and of values.
constexpr int key_bytes(int head_dim, Format format) { return n_words(head_dim, format) * 4; }
constexpr int value_rows(int head_dim) { return n_tiles(head_dim) * kTile; }
constexpr std::size_t kv_block_bytes(int head_dim, Format format) {
  const int scale_bytes = format == Format::kInt8 ? 2 * 4 : 0;
  return static_cast<std::size_t>(kKvBlock) *
         static_cast<std::size_t>(key_bytes(head_dim, format) + value_rows(head_dim) * number_bytes(format) + scale_bytes);
}
/// Keys that a block of threads takes at once: keys and values of 128 numbers each fit its shared memory.
constexpr int attention_keys(Format format) { return format == Format::kInt8 ? kKvBlock : kKvBlock / 2; }

/// Where a cache keeps a layer: its ring of blocks of key/value head 0, then of head 1, ...
struct KvLayer {
  std::int64_t offset = 0;  // bytes from the cache's begin
  int n_blocks = 0;         // block b is at b % n_blocks
  int window = 0;           // 0 = attends to all earlier positions
};

struct Heads {
  int n_heads = 0;
  int n_kv_heads = 0;
  int head_dim = 0;
};

/// A position of a step.
struct Row {
  std::int32_t pos;
  std::uint8_t byte;
  std::uint16_t tail[kMaxTail];  // the last bytes up to and with this one, each + 1, 0 before the start; the newest last
  std::byte* cache;              // of its sequence
};
/// Rows that follow one another in one sequence: they attend together.
struct Run {
  std::int32_t first_row;
  std::int32_t n_rows;
};
/// What a step is about. It lies in the device's memory, so that one captured graph serves all steps.
struct Step {
  std::int32_t n_rows;     // 1 to kMaxRows, in a chunk to kChunkRows or kLongRows
  std::int32_t first_row;  // where its rows stand in the buffers of hidden states and logits
  std::int32_t n_runs;     // of at most kMaxRows rows each
  Run runs[kMaxRuns];
  Row rows[kLongRows];  // last: what is not used need not be copied

  static constexpr std::size_t bytes_of(std::int32_t n) { return offsetof(Step, rows) + static_cast<std::size_t>(n) * sizeof(Row); }
};
/// A step of one row that proposals start from.
struct DraftStep {
  std::int32_t n_given;  // the first bytes are given, at least one; the heads choose what follows
  std::uint8_t given[kMaxPredict];
  Step step;
};

/// What a step brings, in one piece to copy: behind it the rows of the draft heads, [n_predict - 1][kVocabulary].
struct Verdict {
  std::int32_t row;                  // of the step, that proposals were made from; -1: none
  std::uint8_t chosen[kMaxPredict];  // [0] the byte behind that row, then the proposals that the heads' rows are based on
};

}  // namespace octet::kernels::cuda

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
inline constexpr int kMaxRuns = 8;       // of a step
inline constexpr int kChunkRows = 64;    // positions of a chunk of a prompt
inline constexpr int kTile = 16;         // output rows of an mma
inline constexpr int kDepth = 32;        // products of an mma
inline constexpr int kKvBlock = 256;     // positions of a block of keys and values, aligned to absolute positions
inline constexpr int kVocabulary = 256;
inline constexpr int kMaxTail = 32;  // bytes that an n-gram may reach back
inline constexpr int kMaxOrders = 16;
inline constexpr int kMaxPredict = 64;

constexpr int n_tiles(int n) { return (n + kTile - 1) / kTile; }
constexpr int n_steps(int k) { return (k + kDepth - 1) / kDepth; }

/// A weight matrix [n, k] in int8, as mma.m16n8k32 takes it for a: [n/16][k/32][32 lanes][16 bytes], a lane's four registers in one
/// load. Rows and columns beyond n and k are 0, scales too.
struct Matrix {
  const std::int8_t* fragments = nullptr;  // 16-byte aligned
  const float* scales = nullptr;           // [n] of each row, padded to whole tiles
  int n = 0;
  int k = 0;
};
constexpr std::size_t fragment_bytes(int n, int k) {
  return static_cast<std::size_t>(n_tiles(n)) * static_cast<std::size_t>(n_steps(k)) * kTile * kDepth;
}
/// Writes rows[n, k] (row-major) as fragments; on the host.
void pack_fragments(const std::int8_t* rows, int n, int k, std::int8_t* fragments);

/// Rows to look up: row i stands for values[i] * scales[i].
struct Table {
  const std::int8_t* values = nullptr;
  const float* scales = nullptr;
};

/// Keys and values of kKvBlock positions of one key/value head, one behind the other: keys [position][key_bytes], values
/// [head_dim in whole tiles][position], the scales of keys and of values.
constexpr int key_bytes(int head_dim) { return n_steps(head_dim) * kDepth; }
constexpr int value_rows(int head_dim) { return n_tiles(head_dim) * kTile; }
constexpr std::size_t kv_block_bytes(int head_dim) {
  return static_cast<std::size_t>(kKvBlock) * static_cast<std::size_t>(key_bytes(head_dim) + value_rows(head_dim) + 8);
}

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
  std::int32_t n_rows;     // 1 to kMaxRows, in a chunk to kChunkRows
  std::int32_t first_row;  // where its rows stand in the buffers of hidden states and logits
  std::int32_t n_runs;     // of at most kMaxRows rows each
  Run runs[kMaxRuns];
  Row rows[kChunkRows];  // last: what is not used need not be copied

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

// Softmax attention over int8 keys and values: the steps, their order and the bits of reference::attention_int8.
//
// A block has 256 keys of a key/value head, brought to shared memory once, and all query rows of a run that read them, eight at a
// time: scores = keys . queries by mma; weights of 15 bits by a warp for each query; what the block adds = values . weights by two mma,
// of the upper 8 and the lower 7 bits. The last block of a run's head to be done joins what all have added, in ascending order.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/product.h"

namespace octet::kernels::cuda {
namespace {

constexpr int kQueries = 8;                    // at a time: the columns of an mma
constexpr float kProbabilitySteps = 32767.0F;  // as kernels/reference/int8_ops.cpp
constexpr float kSmallestWeight = 1e-33F;
constexpr int kLowBits = 7;
// Words from row to row: an odd multiple of four, so that eight rows begin in different banks.
constexpr int key_stride(int head_dim) { return key_bytes(head_dim) / 4 + 4; }
constexpr int kValueStride = kKvBlock / 4 + 4;
constexpr int kScoreStride = kKvBlock + 4;
constexpr int kWeightStride = kKvBlock / 4 + 4;

constexpr int attention_bytes(int head_dim) {
  return kKvBlock * key_stride(head_dim) * 4 + value_rows(head_dim) * kValueStride * 4 + kQueries * kScoreStride * 4 +
         2 * kQueries * kWeightStride * 4 + shared_part(kQueries * 4) + 16;
}

/// The rows of a run, and what they see: positions [begin, end) of the row at `pos`.
struct Seen {
  int begin, end;
};
__device__ Seen seen_from(int pos, int window) { return {window == 0 || pos + 1 < window ? 0 : pos + 1 - window, pos + 1}; }

struct Shares {
  Shared<float> scores;        // [kQueries][kScoreStride], then the exponentials
  Shared<unsigned> high, low;  // [kQueries][kWeightStride] four weights a word
  Shared<float> units;         // [kQueries] of a step of the weights
};

__device__ float warp_max(float x) {
#pragma unroll
  for (int width = 16; width > 0; width /= 2) {
    const float other = __shfl_xor_sync(kAllLanes, x, width);
    x = other > x ? other : x;
  }
  return x;
}

/// The warp's query: its scores of the slots [first, last) become weights, others 0. largest and sum are what joining needs.
__device__ void softmax(const Shares& shares, const float* value_scales, int first, int last, float* largest_and_sum) {
  const int query = warp_index();
  const int lane = lane_index();
  const Shared<float> scores = shares.scores.from(query * kScoreStride);
  float largest = -__builtin_inff();
  for (int t = first + lane; t < last; t += 32) {
    const float score = scores.read(t);
    largest = score > largest ? score : largest;
  }
  largest = warp_max(largest);
  float largest_weight = 0;
  for (int t = first + lane; t < last; t += 32) {
    const float e = reference::exp2(scores.read(t) - largest);
    scores.write(t, e);
    const float weight = e * value_scales[t];
    largest_weight = weight > largest_weight ? weight : largest_weight;
  }
  largest_weight = warp_max(largest_weight);
  __syncwarp();
  float sum = 0;
  for (int t = lane % kFloatLanes; t < last; t += kFloatLanes) {
    if (t >= first) sum += scores.read(t);
  }
  sum = fold(sum);
  const float steps = largest_weight < kSmallestWeight ? 0.0F : kProbabilitySteps / largest_weight;
  for (int word = lane; word < kKvBlock / 4; word += 32) {
    unsigned high = 0;
    unsigned low = 0;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int t = 4 * word + j;
      if (t < first || t >= last) continue;
      const float weight = scores.read(t) * value_scales[t];
      const auto p = static_cast<unsigned>(round_even((weight > 0 ? weight : 0.0F) * steps));
      high |= (p >> kLowBits) << (8 * j);
      low |= (p & ((1U << kLowBits) - 1)) << (8 * j);
    }
    shares.high.write(query * kWeightStride + word, high);
    shares.low.write(query * kWeightStride + word, low);
  }
  if (lane == 0) {
    shares.units.write(query, largest_weight / kProbabilitySteps);
    largest_and_sum[0] = largest;
    largest_and_sum[1] = sum;
  }
}

/// A query that sees nothing here.
__device__ void clear_weights(const Shares& shares) {
  for (int word = lane_index(); word < kKvBlock / 4; word += 32) {
    shares.high.write(warp_index() * kWeightStride + word, 0U);
    shares.low.write(warp_index() * kWeightStride + word, 0U);
  }
  if (lane_index() == 0) shares.units.write(warp_index(), 0.0F);
}

/// What the run's blocks have added becomes the attention of its queries.
__device__ void join(const AttentionArgs& args, const Run& run, int kv_head, int lowest_block) {
  const int head_dim = args.heads.head_dim;
  const int group = args.heads.n_heads / args.heads.n_kv_heads;
  for (int i = static_cast<int>(threadIdx.x); i < run.n_rows * group * head_dim; i += kThreads) {
    const int query = i / head_dim;
    const int row = run.first_row + query / group;
    const std::ptrdiff_t head = static_cast<std::ptrdiff_t>(row) * args.heads.n_heads + kv_head * group + query % group;
    const Seen seen = seen_from(args.step->rows[row].pos, args.kv.window);
    float largest_so_far = 0;
    float total = 0;
    float out = 0;
    const int first_block = seen.begin / kKvBlock;
    for (int block = first_block; block * kKvBlock < seen.end; ++block) {
      const float* part = args.partial + (head * args.max_blocks + block - lowest_block) * (head_dim + 2);
      const float largest = read_fresh(part + head_dim);
      const bool is_first = block == first_block;
      const float joint = is_first || largest > largest_so_far ? largest : largest_so_far;
      const float keep = is_first ? 0.0F : reference::exp2(largest_so_far - joint);
      const float enter = reference::exp2(largest - joint);
      out = out * keep + read_fresh(part + i % head_dim) * enter;
      total = total * keep + read_fresh(part + head_dim + 1) * enter;
      largest_so_far = joint;
    }
    args.mixed[head * head_dim + i % head_dim] = out / total;
  }
}

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) attention_kernel(AttentionArgs args) {
  const Step& step = *args.step;
  const int run_idx = static_cast<int>(blockIdx.z);
  if (run_idx >= step.n_runs) return;
  const Run run = step.runs[run_idx];
  const int first_pos = step.rows[run.first_row].pos;
  const int lowest_block = seen_from(first_pos, args.kv.window).begin / kKvBlock;
  const int n_blocks = (first_pos + run.n_rows - 1) / kKvBlock + 1 - lowest_block;
  if (static_cast<int>(blockIdx.x) >= n_blocks) return;
  const int block = lowest_block + static_cast<int>(blockIdx.x);
  const int origin = block * kKvBlock;
  const int kv_head = static_cast<int>(blockIdx.y);
  const int head_dim = args.heads.head_dim;
  const int n_heads = args.heads.n_heads;
  const int group = n_heads / args.heads.n_kv_heads;
  const int lane = lane_index();

  SharedSpace space;
  const Shared<unsigned> keys = space.take<unsigned>(kKvBlock * key_stride(head_dim));
  const Shared<unsigned> values = space.take<unsigned>(value_rows(head_dim) * kValueStride);
  const Shared<float> scores = space.take<float>(kQueries * kScoreStride);
  const Shared<unsigned> high = space.take<unsigned>(kQueries * kWeightStride);
  const Shared<unsigned> low = space.take<unsigned>(kQueries * kWeightStride);
  const Shares shares{scores, high, low, space.take<float>(kQueries)};
  const Shared<int> is_last = space.take<int>(1);

  const std::byte* base = step.rows[run.first_row].cache + args.kv.offset +
                          (static_cast<std::ptrdiff_t>(kv_head) * args.kv.n_blocks + block % args.kv.n_blocks) *
                              static_cast<std::ptrdiff_t>(kv_block_bytes(head_dim));
  const std::byte* value_base = base + static_cast<std::ptrdiff_t>(kKvBlock) * key_bytes(head_dim);
  const float* key_scales = reinterpret_cast<const float*>(value_base + static_cast<std::ptrdiff_t>(kKvBlock) * value_rows(head_dim));
  const float* value_scales = key_scales + kKvBlock;
  const auto fetch = [](const Shared<unsigned>& to, int stride, const std::byte* from, int n_rows, int row_bytes) {
    const int per_row = row_bytes / 16;
    for (int i = static_cast<int>(threadIdx.x); i < n_rows * per_row; i += kThreads) {
      to.as<uint4>().copy_later(i / per_row * (stride / 4) + i % per_row, reinterpret_cast<const uint4*>(from) + i);
    }
    commit_copies();
  };
  fetch(keys, key_stride(head_dim), base, kKvBlock, key_bytes(head_dim));
  fetch(values, kValueStride, value_base, value_rows(head_dim), kKvBlock);
  wait_for_copies<1>();
  __syncthreads();

  const int n_queries = run.n_rows * group;
  for (int first = 0; first < n_queries; first += kQueries) {
    // Where a query of these eight stands: its row and its head of all rows' heads.
    const auto row_of = [&](int query) { return run.first_row + (first + query) / group; };
    const auto head_of = [&](int query) {
      return static_cast<std::ptrdiff_t>(row_of(query)) * n_heads + kv_head * group + (first + query) % group;
    };
    const bool has_query = first + lane / 4 < n_queries;
    const unsigned* query_words =
        reinterpret_cast<const unsigned*>(args.queries + (has_query ? head_of(lane / 4) : 0) * key_bytes(head_dim));
    for (int tile = warp_index(); tile < kKvBlock / kTile; tile += kWarps) {
      int sums[4] = {};
      for (int k = 0; k < n_steps(head_dim); ++k) {
        const int at = (tile * kTile + lane / 4) * key_stride(head_dim) + k * (kDepth / 4) + lane % 4;
        const int below = at + 8 * key_stride(head_dim);
        const uint4 a{keys.read(at), keys.read(below), keys.read(at + 4), keys.read(below + 4)};
        const int word = k * (kDepth / 4) + lane % 4;
        const uint2 b = has_query ? uint2{query_words[word], query_words[word + 4]} : uint2{0, 0};
        mma_s8_s8(sums, a, b);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int query = sum_row(lane, i);
        const int t = tile * kTile + sum_output(lane, i);
        if (first + query < n_queries) {
          const float factor = args.query_scales[head_of(query)] * args.scale;
          scores.write(query * kScoreStride + t, scaled(sums[i], factor, key_scales[t]));
        }
      }
    }
    if (first == 0) wait_for_copies<0>();
    __syncthreads();

    // Which of the block's slots the query in this column sees.
    const auto slots_of = [&](int query) {
      const Seen seen = seen_from(step.rows[row_of(query)].pos, args.kv.window);
      const int begin = seen.begin - origin;
      const int end = seen.end - origin;
      return Seen{begin < 0 ? 0 : begin, end > kKvBlock ? kKvBlock : end};
    };
    const auto partial_of = [&](int query) {
      return args.partial + (head_of(query) * args.max_blocks + static_cast<int>(blockIdx.x)) * (head_dim + 2);
    };
    const bool is_query = first + warp_index() < n_queries;
    const Seen slots = is_query ? slots_of(warp_index()) : Seen{0, 0};
    if (slots.begin < slots.end) {
      softmax(shares, value_scales, slots.begin, slots.end, partial_of(warp_index()) + head_dim);
    } else {
      clear_weights(shares);
    }
    __syncthreads();

    for (int tile = warp_index(); tile < n_tiles(head_dim); tile += kWarps) {
      int high_sums[4] = {};
      int low_sums[4] = {};
      for (int k = 0; k < kKvBlock / kDepth; ++k) {
        const int at = (tile * kTile + lane / 4) * kValueStride + k * (kDepth / 4) + lane % 4;
        const int below = at + 8 * kValueStride;
        const uint4 a{values.read(at), values.read(below), values.read(at + 4), values.read(below + 4)};
        const int word = lane / 4 * kWeightStride + k * (kDepth / 4) + lane % 4;
        mma_s8_u8(high_sums, a, {high.read(word), high.read(word + 4)});
        mma_s8_u8(low_sums, a, {low.read(word), low.read(word + 4)});
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int query = sum_row(lane, i);
        const int dim = tile * kTile + sum_output(lane, i);
        if (first + query >= n_queries || dim >= head_dim) continue;
        const Seen seen = slots_of(query);
        if (seen.begin >= seen.end) continue;
        const int mixed = high_sums[i] * (1 << kLowBits) + low_sums[i];
        partial_of(query)[dim] = static_cast<float>(mixed) * shares.units.read(query);
      }
    }
  }

  __threadfence();
  __syncthreads();
  int* n_done = args.n_done + run_idx * args.heads.n_kv_heads + kv_head;
  if (threadIdx.x == 0) is_last.write(0, atomicAdd(n_done, 1) == n_blocks - 1 ? 1 : 0);
  __syncthreads();
  if (is_last.read(0) == 0) return;
  __threadfence();
  join(args, run, kv_head, lowest_block);
  if (threadIdx.x == 0) *n_done = 0;
}

}  // namespace

Error launch_attention(const AttentionArgs& args, Stream stream) {
  const dim3 grid{static_cast<unsigned>(args.max_blocks), static_cast<unsigned>(args.heads.n_kv_heads), kMaxRuns};
  return launch(attention_kernel, grid, kThreads, static_cast<std::size_t>(attention_bytes(args.heads.head_dim)), stream, args);
}

}  // namespace octet::kernels::cuda

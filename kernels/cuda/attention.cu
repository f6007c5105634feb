// Softmax attention over the keys and values of a cache. In int8: the steps, their order and the bits of reference::attention_int8.
//
// A block of threads has attention_keys() keys of a key/value head, brought to shared memory once, and all query rows of a run that read
// them, eight at a time: scores = keys . queries by mma; exponentials and their sum in f32 by a warp for each query; what the keys add =
// values . weights by mma. The last block of a run's head to be done joins what all have added, in ascending order. Keys begin at absolute
// positions, so that nothing depends on what else is computed.
#include "kernels/cuda/attention_weights.h"
#include "kernels/cuda/launches.h"

namespace octet::kernels::cuda {
namespace {

constexpr int key_stride(int head_dim, Format format) { return n_words(head_dim, format) + 4; }

template <class F>
constexpr int attention_bytes(int head_dim) {
  return attention_keys(F::kFormat) * key_stride(head_dim, F::kFormat) * 4 + value_rows(head_dim) * row_of_keys(F::kFormat) * 4 +
         kQueries * score_stride(F::kFormat) * 4 + AttentionWeights<F>::kBytes + 16;
}

/// The rows of a run, and what they see: positions [begin, end) of the row at `pos`.
struct Seen {
  int begin, end;
};
__device__ Seen seen_from(int pos, int window) { return {window == 0 || pos + 1 < window ? 0 : pos + 1 - window, pos + 1}; }

/// The warp's query: its scores of the slots [first, last) become exponentials. largest and sum are what joining needs.
__device__ void softmax(const Shared<float>& scores, int first, int last, float* largest_and_sum) {
  const int lane = lane_index();
  float largest = -__builtin_inff();
  for (int t = first + lane; t < last; t += 32) {
    const float score = scores.read(t);
    largest = score > largest ? score : largest;
  }
  largest = warp_max(largest);
  for (int t = first + lane; t < last; t += 32) scores.write(t, reference::exp2(scores.read(t) - largest));
  __syncwarp();
  float sum = 0;
  for (int t = lane % kFloatLanes; t < last; t += kFloatLanes) {
    if (t >= first) sum += scores.read(t);
  }
  sum = fold(sum);
  if (lane == 0) {
    largest_and_sum[0] = largest;
    largest_and_sum[1] = sum;
  }
}

/// What the run's blocks have added becomes the attention of its queries.
template <class F>
__device__ void join(const AttentionArgs& args, const Run& run, int kv_head, int lowest_block) {
  constexpr int kKeys = attention_keys(F::kFormat);
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
    const int first_block = seen.begin / kKeys;
    for (int block = first_block; block * kKeys < seen.end; ++block) {
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

template <class F>
__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) attention_kernel(AttentionArgs args) {
  constexpr Format kFormat = F::kFormat;
  constexpr int kKeys = attention_keys(kFormat);
  constexpr int kValueStride = row_of_keys(kFormat);
  constexpr int kScoreStride = score_stride(kFormat);
  const Step& step = *args.step;
  const int run_idx = static_cast<int>(blockIdx.z);
  if (run_idx >= step.n_runs) return;
  const Run run = step.runs[run_idx];
  const int first_pos = step.rows[run.first_row].pos;
  const int lowest_block = seen_from(first_pos, args.kv.window).begin / kKeys;
  const int n_blocks = (first_pos + run.n_rows - 1) / kKeys + 1 - lowest_block;
  if (static_cast<int>(blockIdx.x) >= n_blocks) return;
  const int block = lowest_block + static_cast<int>(blockIdx.x);
  const int origin = block * kKeys;
  const int kv_head = static_cast<int>(blockIdx.y);
  const int head_dim = args.heads.head_dim;
  const int n_heads = args.heads.n_heads;
  const int group = n_heads / args.heads.n_kv_heads;
  const int lane = lane_index();

  const int key_words = key_stride(head_dim, kFormat);
  SharedSpace space;
  const Shared<unsigned> keys = space.take<unsigned>(kKeys * key_words);
  const Shared<unsigned> values = space.take<unsigned>(value_rows(head_dim) * kValueStride);
  const Shared<float> scores = space.take<float>(kQueries * kScoreStride);
  const AttentionWeights<F> weights(space);
  const Shared<int> is_last = space.take<int>(1);

  const int slot = origin % kKvBlock;  // of the first key
  const int of_key = key_bytes(head_dim, kFormat);
  const std::byte* base = step.rows[run.first_row].cache + args.kv.offset +
                          (static_cast<std::ptrdiff_t>(kv_head) * args.kv.n_blocks + origin / kKvBlock % args.kv.n_blocks) *
                              static_cast<std::ptrdiff_t>(kv_block_bytes(head_dim, kFormat));
  const std::byte* value_base = base + static_cast<std::ptrdiff_t>(kKvBlock) * of_key;
  constexpr int kNumberBytes = number_bytes(kFormat);
  const float* key_scales = nullptr;
  const float* value_scales = nullptr;
  if constexpr (F::kHasScales) {
    key_scales =
        reinterpret_cast<const float*>(value_base + static_cast<std::ptrdiff_t>(kKvBlock) * value_rows(head_dim) * kNumberBytes) + slot;
    value_scales = key_scales + kKvBlock;
  }
  const auto fetch = [](const Shared<unsigned>& to, int stride, const std::byte* from, int row_bytes, int n_rows, int n_bytes) {
    const int per_row = n_bytes / 16;
    for (int i = static_cast<int>(threadIdx.x); i < n_rows * per_row; i += kThreads) {
      const std::byte* of_row = from + static_cast<std::ptrdiff_t>(i / per_row) * row_bytes;
      to.as<uint4>().copy_later(i / per_row * (stride / 4) + i % per_row, reinterpret_cast<const uint4*>(of_row) + i % per_row);
    }
    commit_copies();
  };
  fetch(keys, key_words, base + static_cast<std::ptrdiff_t>(slot) * of_key, of_key, kKeys, of_key);
  fetch(values, kValueStride, value_base + slot * kNumberBytes, kKvBlock * kNumberBytes, value_rows(head_dim), kKeys * kNumberBytes);
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
    const unsigned* query_words = reinterpret_cast<const unsigned*>(args.queries + (has_query ? head_of(lane / 4) : 0) * of_key);
    for (int tile = warp_index(); tile < kKeys / kTile; tile += kWarps) {
      Sums<F> sums = {};
      for (int k = 0; k < n_steps(head_dim, kFormat); ++k) {
        const int word = k * kStepWords + lane % 4;
        const uint2 b = has_query ? uint2{query_words[word], query_words[word + 4]} : uint2{0, 0};
        F::multiply(sums.of, tile_fragment(keys, key_words, tile, k), b);
      }
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int query = sum_row(lane, i);
        const int t = tile * kTile + sum_output(lane, i);
        if (first + query >= n_queries) continue;
        float score;
        if constexpr (F::kHasScales) {
          score = scaled(sums.of[i], args.query_scales[head_of(query)] * args.scale, key_scales[t]);
        } else {
          score = sums.of[i] * args.scale;
        }
        scores.write(query * kScoreStride + t, score);
      }
    }
    __syncthreads();

    // Which of the block's slots the query in this column sees.
    const auto slots_of = [&](int query) {
      const Seen seen = seen_from(step.rows[row_of(query)].pos, args.kv.window);
      const int begin = seen.begin - origin;
      const int end = seen.end - origin;
      return Seen{begin < 0 ? 0 : begin, end > kKeys ? kKeys : end};
    };
    const auto partial_of = [&](int query) {
      return args.partial + (head_of(query) * args.max_blocks + static_cast<int>(blockIdx.x)) * (head_dim + 2);
    };
    const bool is_query = first + warp_index() < n_queries;
    const Seen slots = is_query ? slots_of(warp_index()) : Seen{0, 0};
    if (slots.begin < slots.end) {
      const Shared<float> own = scores.from(warp_index() * kScoreStride);
      softmax(own, slots.begin, slots.end, partial_of(warp_index()) + head_dim);
      weights.put(own, value_scales, slots.begin, slots.end);
    } else {
      weights.clear();
    }
    if (first == 0) wait_for_copies<0>();  // the values, beside which scores and weights were computed
    __syncthreads();

    for (int tile = warp_index(); tile < n_tiles(head_dim); tile += kWarps) {
      float mixed[4];
      weights.mix(values, tile, mixed);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int query = sum_row(lane, i);
        const int dim = tile * kTile + sum_output(lane, i);
        if (first + query >= n_queries || dim >= head_dim) continue;
        const Seen seen = slots_of(query);
        if (seen.begin >= seen.end) continue;
        partial_of(query)[dim] = mixed[i];
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
  join<F>(args, run, kv_head, lowest_block);
  if (threadIdx.x == 0) *n_done = 0;
}

}  // namespace

Error launch_attention(const AttentionArgs& args, Stream stream) {
  const dim3 grid{static_cast<unsigned>(args.max_blocks), static_cast<unsigned>(args.heads.n_kv_heads),
                  static_cast<unsigned>(args.max_runs)};
  const int head_dim = args.heads.head_dim;
  const int bytes = args.format == Format::kInt8 ? attention_bytes<Int8>(head_dim) : attention_bytes<Bf16>(head_dim);
  return launch(args.format, attention_kernel<Int8>, attention_kernel<Bf16>, grid, bytes, stream, args);
}

}  // namespace octet::kernels::cuda

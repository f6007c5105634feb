// The CUDA kernels of attention: from hidden rows to keys, values and queries, and from these to what attention gives.
#include <numbers>
#include <vector>

#include "tests/kernels/cuda/operands.h"

namespace octet::tests {
namespace {

constexpr float kEps = 1e-5F;
constexpr int kMaxPos = 1000;

cuda::Heads draw_heads(RandomFloats& random) {
  const int dims[] = {2, 14, 16, 30, 32, 48, 64, 128};
  const int n_kv_heads = 1 + static_cast<int>(random.below(3));
  return {n_kv_heads * (1 + static_cast<int>(random.below(4))), n_kv_heads, dims[random.below(8)]};
}

/// A cache for each run of the step.
std::vector<std::unique_ptr<TestCache>> caches_for(cuda::Step& step, const cuda::Heads& heads, int n_blocks) {
  std::vector<std::unique_ptr<TestCache>> caches;
  for (int i = 0; i < step.n_runs; ++i) {
    caches.push_back(std::make_unique<TestCache>(heads.n_kv_heads, n_blocks, heads.head_dim));
    for (int j = 0; j < step.runs[i].n_rows; ++j) step.rows[step.runs[i].first_row + j].cache = caches.back()->bytes.data();
  }
  return caches;
}

}  // namespace

TEST_CASE("cuda: keys, values and queries are where and what they should be, and nothing else is touched") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const cuda::Heads heads = draw_heads(sizes);
    const int d_model = 1 + static_cast<int>(sizes.below(shape < 4 ? 40 : 200));
    const int head_dim = heads.head_dim;
    const int n_blocks = 1 + static_cast<int>(sizes.below(4));  // positions turn around
    const int padded = cuda::n_tiles(head_dim) * cuda::kTile;
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, heads.n_heads, heads.n_kv_heads, head_dim, d_model, n_blocks, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step = random_step(random, kMaxPos);
      auto found = caches_for(step, heads, n_blocks);
      const Fragments w(random, (heads.n_heads + 2 * heads.n_kv_heads) * padded, d_model);
      const auto hidden = device_floats(random_rows(random, cuda::kMaxRows + 3, d_model));
      const auto gain = device_floats(random.normal(static_cast<std::size_t>(d_model)));
      const auto q_norm = device_floats(random.normal(static_cast<std::size_t>(head_dim)));
      const auto k_norm = device_floats(random.normal(static_cast<std::size_t>(head_dim)));
      const int half = head_dim / 2;
      Aligned<float> cosine(product(kMaxPos, half));
      Aligned<float> sine(product(kMaxPos, half));
      for (int row = 0; row < step.n_rows; ++row) {
        const int pos = step.rows[row].pos;
        reference::rope_angles(pos, 10000.0, half, cosine.data() + pos * half, sine.data() + pos * half);
      }
      const int key_bytes = cuda::key_bytes(head_dim);
      Aligned<std::int8_t> queries(product(cuda::kMaxRows * heads.n_heads, key_bytes));
      Aligned<float> query_scales(product(cuda::kMaxRows, heads.n_heads));
      // Now and then the keys and values alone, or the queries alone.
      const bool has_kv = random.below(4) != 0;
      const bool has_queries = !has_kv || random.below(4) != 0;
      cuda::QkvArgs args{&step,
                         hidden->data(),
                         gain->data(),
                         kEps,
                         w.matrix(),
                         heads,
                         0,
                         0,
                         q_norm->data(),
                         k_norm->data(),
                         cosine.data(),
                         sine.data(),
                         {TestCache::kOffset, n_blocks, 0},
                         queries.data(),
                         query_scales.data()};
      args.first_head = has_kv ? 0 : 2 * heads.n_kv_heads;
      args.n_heads = (has_queries ? heads.n_heads + 2 * heads.n_kv_heads : 2 * heads.n_kv_heads) - args.first_head;
      // In one kernel; or, as of a chunk, from the numbers that a product left.
      const bool is_chunk = random.below(2) == 0;
      Aligned<float> produced(product(cuda::kChunkRows, args.kv_q.n));
      for (int row = 0; is_chunk && row < step.n_rows; ++row) {
        const auto x = norm_quantized(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model);
        for (int i = 0; i < args.kv_q.n; ++i) produced.data()[row * args.kv_q.n + i] = w.times(i, x.q.data(), x.scale);
      }
      run_kernel(seed, [&](cuda::Stream stream) {
        return is_chunk ? cuda::launch_finish_heads({args, produced.data()}, stream) : cuda::launch_qkv(args, stream);
      });

      cuda::Step expected_step = step;
      auto expected = caches_for(expected_step, heads, n_blocks);
      Aligned<std::int8_t> expected_queries(queries.size());
      Aligned<float> expected_scales(query_scales.size());
      for (int run = 0; run < step.n_runs; ++run) {
        TestCache& cache = *expected[static_cast<std::size_t>(run)];
        for (int row = step.runs[run].first_row; row < step.runs[run].first_row + step.runs[run].n_rows; ++row) {
          const int pos = step.rows[row].pos;
          const auto x = norm_quantized(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model);
          for (int head = args.first_head; head < args.first_head + args.n_heads; ++head) {
            std::vector<float> numbers;
            for (int i = 0; i < head_dim; ++i) numbers.push_back(w.times(head * padded + i, x.q.data(), x.scale));
            const bool is_value = head >= heads.n_kv_heads && head < 2 * heads.n_kv_heads;
            if (!is_value) {
              reference::rms_norm(numbers.data(), head < heads.n_kv_heads ? k_norm->data() : q_norm->data(), kEps, numbers.data(), 1,
                                  head_dim);
              reference::rope_rotate(numbers.data(), cosine.data() + pos * half, sine.data() + pos * half, 1, half);
            }
            const auto q = quantized(numbers.data(), head_dim);
            const int kv_head = head % heads.n_kv_heads;
            if (is_value) {
              for (int i = 0; i < head_dim; ++i) cache.value(kv_head, pos, i) = static_cast<std::byte>(q.q[static_cast<std::size_t>(i)]);
              cache.value_scale(kv_head, pos) = q.scale;
              continue;
            }
            const auto query = static_cast<std::size_t>(row * heads.n_heads + head - 2 * heads.n_kv_heads);
            auto* to = head < heads.n_kv_heads ? reinterpret_cast<std::int8_t*>(cache.key(kv_head, pos))
                                               : expected_queries.data() + query * static_cast<std::size_t>(key_bytes);
            std::fill_n(to, key_bytes, std::int8_t{0});
            std::copy(q.q.begin(), q.q.end(), to);
            (head < heads.n_kv_heads ? cache.key_scale(kv_head, pos) : expected_scales.data()[query]) = q.scale;
          }
        }
        REQUIRE(std::memcmp(found[static_cast<std::size_t>(run)]->bytes.data(), cache.bytes.data(), cache.bytes.size()) == 0);
      }
      REQUIRE(std::memcmp(queries.data(), expected_queries.data(), queries.size()) == 0);
      REQUIRE(std::memcmp(query_scales.data(), expected_scales.data(), 4 * query_scales.size()) == 0);
    }
  }
}

TEST_CASE("cuda: attention") {
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(50 + shape);
    const cuda::Heads heads = draw_heads(sizes);
    const int head_dim = heads.head_dim;
    const int windows[] = {0, 0, 1, 8, 100, 256, 300};
    const int window = windows[sizes.below(7)];
    const int max_pos = shape % 3 == 0 ? 100 : kMaxPos;
    const cuda::KvLayer kv{TestCache::kOffset, window == 0 ? 4 : 3, window};
    const int group = heads.n_heads / heads.n_kv_heads;
    const auto scale = static_cast<float>(std::numbers::log2e / std::sqrt(static_cast<double>(head_dim)));
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, heads.n_heads, heads.n_kv_heads, head_dim, window, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step = random_step(random, max_pos);
      auto caches = caches_for(step, heads, kv.n_blocks);
      const int key_bytes = cuda::key_bytes(head_dim);
      Aligned<std::int8_t> queries(product(cuda::kMaxRows * heads.n_heads, key_bytes));
      std::fill_n(queries.data(), queries.size(), std::int8_t{0});
      for (int i = 0; i < step.n_rows * heads.n_heads; ++i) {
        for (int j = 0; j < head_dim; ++j)
          queries.data()[i * key_bytes + j] = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
      }
      // From scores that are near to ones of which one is all that counts.
      const auto query_scales = device_floats(random.normal(product(cuda::kMaxRows, heads.n_heads), random.below(2) == 0 ? 0.01F : 1e-4F));
      const int max_blocks = cuda::attention_blocks(kv, 1024);
      Aligned<float> partial(product(cuda::kMaxRows * heads.n_heads * max_blocks, head_dim + 2));
      Aligned<int> n_done(product(cuda::kMaxRows, heads.n_kv_heads));
      std::fill_n(n_done.data(), n_done.size(), 0);
      Aligned<float> mixed(product(cuda::kMaxRows, heads.n_heads * head_dim));

      // Keys and values that some row of a run sees, in the cache and plain.
      std::vector<std::int8_t> keys(product(kMaxPos, head_dim)), values(keys.size());
      std::vector<float> key_scales(kMaxPos), value_scales(kMaxPos);
      std::vector<float> expected(mixed.size());
      for (int run = 0; run < step.n_runs; ++run) {
        TestCache& cache = *caches[static_cast<std::size_t>(run)];
        const auto& first = step.rows[step.runs[run].first_row];
        const int end = first.pos + step.runs[run].n_rows;
        const int begin = window == 0 ? 0 : std::max(0, first.pos + 1 - window);
        for (int head = 0; head < heads.n_kv_heads; ++head) {
          for (int pos = begin; pos < end; ++pos) {
            const auto at = static_cast<std::size_t>(pos);
            std::fill_n(cache.key(head, pos), key_bytes, std::byte{0});
            for (int i = 0; i < head_dim; ++i) {
              const auto element = product(pos, head_dim) + static_cast<std::size_t>(i);
              keys[element] = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
              values[element] = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
              cache.key(head, pos)[i] = static_cast<std::byte>(keys[element]);
              cache.value(head, pos, i) = static_cast<std::byte>(values[element]);
            }
            key_scales[at] = std::abs(random.normal(1)[0]);
            value_scales[at] = seed % 10 == 0 && random.below(5) == 0 ? 0.0F : std::abs(random.normal(1)[0]);
            cache.key_scale(head, pos) = key_scales[at];
            cache.value_scale(head, pos) = value_scales[at];
          }
          for (int row = step.runs[run].first_row; row < step.runs[run].first_row + step.runs[run].n_rows; ++row) {
            const int pos = step.rows[row].pos;
            for (int i = 0; i < group; ++i) {
              const int query = row * heads.n_heads + head * group + i;
              reference::attention_int8(queries.data() + query * key_bytes, query_scales->data()[query], scale, keys.data(),
                                        key_scales.data(), values.data(), value_scales.data(),
                                        window == 0 ? 0 : std::max(0, pos + 1 - window), pos + 1, head_dim,
                                        &expected[product(query, head_dim)]);
            }
          }
        }
      }
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_attention(
            {&step, queries.data(), query_scales->data(), heads, scale, kv, max_blocks, partial.data(), n_done.data(), mixed.data()},
            stream);
      });
      REQUIRE(std::memcmp(mixed.data(), expected.data(), 4 * product(step.n_rows, heads.n_heads * head_dim)) == 0);
      for (std::size_t i = 0; i < n_done.size(); ++i) REQUIRE(n_done.data()[i] == 0);
    }
  }
}

}  // namespace octet::tests

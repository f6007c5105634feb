// The CUDA kernels of attention: from hidden rows to keys, values and queries, and from these to what attention gives.
#include <numbers>
#include <vector>

#include "kernels/reference/math.h"
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
std::vector<std::unique_ptr<TestCache>> caches_for(cuda::Step& step, const cuda::Heads& heads, int n_blocks, Format format) {
  std::vector<std::unique_ptr<TestCache>> caches;
  for (int i = 0; i < step.n_runs; ++i) {
    caches.push_back(std::make_unique<TestCache>(heads.n_kv_heads, n_blocks, heads.head_dim, format));
    for (int j = 0; j < step.runs[i].n_rows; ++j) step.rows[step.runs[i].first_row + j].cache = caches.back()->bytes.data();
  }
  return caches;
}

}  // namespace

TEST_CASE("cuda: keys, values and queries are where and what they should be, and nothing else is touched") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(shape);
    const bool is_wide = shape + 1 == kShapes;  // more columns than a block of threads has at once: few heads, for the emulator's sake
    const cuda::Heads heads = is_wide ? cuda::Heads{1, 1, 32} : draw_heads(sizes);
    const int d_model = is_wide ? columns_of(sizes, shape, format) : 1 + static_cast<int>(sizes.below(shape < 4 ? 40 : 200));
    const int head_dim = heads.head_dim;
    const int n_blocks = 1 + static_cast<int>(sizes.below(4));  // positions turn around
    const int padded = cuda::n_tiles(head_dim) * cuda::kTile;
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, heads.n_heads, heads.n_kv_heads, head_dim, d_model, n_blocks, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step = random_step(random, kMaxPos);
      auto found = caches_for(step, heads, n_blocks, format);
      const Fragments w(random, (heads.n_heads + 2 * heads.n_kv_heads) * padded, d_model, format);
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
      const int key_bytes = cuda::key_bytes(head_dim, format);
      Aligned<std::byte> queries(product(cuda::kMaxRows * heads.n_heads, key_bytes));
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
        const auto x = norm_formatted(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model, format);
        for (int i = 0; i < args.kv_q.n; ++i) produced.data()[row * args.kv_q.n + i] = w.times(i, x);
      }
      run_kernel(seed, [&](cuda::Stream stream) {
        return is_chunk ? cuda::launch_finish_heads({args, produced.data(), cuda::kChunkRows}, stream) : cuda::launch_qkv(args, stream);
      });

      cuda::Step expected_step = step;
      auto expected = caches_for(expected_step, heads, n_blocks, format);
      Aligned<std::byte> expected_queries(queries.size());
      Aligned<float> expected_scales(query_scales.size());
      for (int run = 0; run < step.n_runs; ++run) {
        TestCache& cache = *expected[static_cast<std::size_t>(run)];
        for (int row = step.runs[run].first_row; row < step.runs[run].first_row + step.runs[run].n_rows; ++row) {
          const int pos = step.rows[row].pos;
          const auto x = norm_formatted(hidden->data() + (step.first_row + row) * d_model, gain->data(), kEps, d_model, format);
          for (int head = args.first_head; head < args.first_head + args.n_heads; ++head) {
            std::vector<float> numbers;
            for (int i = 0; i < head_dim; ++i) numbers.push_back(w.times(head * padded + i, x));
            const bool is_value = head >= heads.n_kv_heads && head < 2 * heads.n_kv_heads;
            if (!is_value) {
              reference::rms_norm(numbers.data(), head < heads.n_kv_heads ? k_norm->data() : q_norm->data(), kEps, numbers.data(), 1,
                                  head_dim);
              reference::rope_rotate(numbers.data(), cosine.data() + pos * half, sine.data() + pos * half, 1, half);
            }
            const auto x_head = formatted(numbers.data(), head_dim, format);
            const int kv_head = head % heads.n_kv_heads;
            if (is_value) {
              cache.set_value(kv_head, pos, x_head);
            } else if (head < heads.n_kv_heads) {
              cache.set_key(kv_head, pos, x_head);
            } else {
              const auto query = static_cast<std::size_t>(row * heads.n_heads + head - 2 * heads.n_kv_heads);
              const auto words = x_head.words(head_dim, format);
              std::copy(words.begin(), words.end(), expected_queries.data() + query * words.size());
              if (format == Format::kInt8) expected_scales.data()[query] = x_head.scale;
            }
          }
        }
        REQUIRE(std::memcmp(found[static_cast<std::size_t>(run)]->bytes.data(), cache.bytes.data(), cache.bytes.size()) == 0);
      }
      REQUIRE(std::memcmp(queries.data(), expected_queries.data(), queries.size()) == 0);
      REQUIRE(std::memcmp(query_scales.data(), expected_scales.data(), 4 * query_scales.size()) == 0);
    }
  }
}

namespace {

/// What attention gives for a query, from keys and values [position][head_dim] that were widened: the steps of the kernel in scalar code,
/// and near to the same in f64.
void attention_bf16(const std::vector<float>& query, float scale, const std::vector<float>& keys, const std::vector<float>& values,
                    int begin, int end, int head_dim, float* out) {
  constexpr int kKeys = cuda::attention_keys(Format::kBf16);
  struct Part {
    float largest, sum;
    std::vector<float> mixed;
    std::vector<double> exact;
  };
  std::vector<Part> parts;
  const auto dim = static_cast<std::size_t>(head_dim);
  std::vector<double> magnitude(dim);
  for (int origin = begin / kKeys * kKeys; origin < end; origin += kKeys) {
    const int first = std::max(begin, origin);
    const int last = std::min(end, origin + kKeys);
    std::vector<float> scores;
    for (int pos = first; pos < last; ++pos) {
      float score = 0;
      for (std::size_t i = 0; i < dim; ++i) score += keys[product(pos, head_dim) + i] * query[i];
      scores.push_back(score * scale);
    }
    Part part{*std::max_element(scores.begin(), scores.end()), 0, std::vector<float>(dim), std::vector<double>(dim)};
    float lanes[16] = {};
    for (int pos = first; pos < last; ++pos) {
      const float e = reference::exp2(scores[static_cast<std::size_t>(pos - first)] - part.largest);
      lanes[(pos - origin) % 16] += e;
      const float weight = cuda::from_bf16(cuda::to_bf16(e));
      for (std::size_t i = 0; i < dim; ++i) {
        const float term = weight * values[product(pos, head_dim) + i];
        part.mixed[i] += term;
        part.exact[i] += term;
        magnitude[i] = std::max(magnitude[i], std::abs(double{values[product(pos, head_dim) + i]}));
      }
    }
    for (int width = 8; width > 0; width /= 2) {
      for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    part.sum = lanes[0];
    parts.push_back(std::move(part));
  }
  for (std::size_t i = 0; i < dim; ++i) {
    float largest = parts[0].largest;
    float total = parts[0].sum;
    float mixed = parts[0].mixed[i];
    for (std::size_t j = 1; j < parts.size(); ++j) {
      const float joint = std::max(largest, parts[j].largest);
      const float keep = reference::exp2(largest - joint);
      const float enter = reference::exp2(parts[j].largest - joint);
      mixed = mixed * keep + parts[j].mixed[i] * enter;
      total = total * keep + parts[j].sum * enter;
      largest = joint;
    }
    out[i] = mixed / total;
    double exact = 0;
    double exact_total = 0;
    for (const Part& part : parts) {
      exact += part.exact[i] * std::exp2(double{part.largest} - largest);
      exact_total += double{part.sum} * std::exp2(double{part.largest} - largest);
    }
    REQUIRE(std::abs(out[i] - exact / exact_total) <= kSumTolerance * magnitude[i]);
  }
}

/// A vector of a head in both forms.
FormattedRow random_head(RandomFloats& random, int head_dim, Format format, float scale) {
  if (format == Format::kBf16) return formatted(random.normal(static_cast<std::size_t>(head_dim), scale).data(), head_dim, format);
  FormattedRow out;
  for (int i = 0; i < head_dim; ++i) out.q.push_back(static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127));
  return out;
}

}  // namespace

TEST_CASE("cuda: no run touches more blocks of keys than attention_blocks() says, and some run nearly as many") {
  for (const Format format : {Format::kInt8, Format::kBf16}) {
    const int n_keys = cuda::attention_keys(format);
    for (const int capacity : {1, 100, 256, 257, 600, 1000}) {
      for (int window = 0; window < 700; ++window) {
        int most = 0;
        for (int pos = 0; pos < capacity; ++pos) {
          const int last = std::min(pos + cuda::kMaxRows, capacity) - 1;
          const int begin = window == 0 ? 0 : std::max(0, pos + 1 - window);
          most = std::max(most, last / n_keys - begin / n_keys + 1);
        }
        const int found = cuda::attention_blocks({0, 1, window}, capacity, format);
        CAPTURE(capacity, window, n_keys, most, found);
        REQUIRE(most <= found);
        REQUIRE(found <= most + 1);
      }
    }
  }
}

TEST_CASE("cuda: attention") {
  const Format format = any_format();
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
      auto caches = caches_for(step, heads, kv.n_blocks, format);
      const int key_bytes = cuda::key_bytes(head_dim, format);
      Aligned<std::byte> queries(product(cuda::kMaxRows * heads.n_heads, key_bytes));
      // From scores that are near to ones of which one is all that counts.
      const bool is_flat = random.below(2) != 0;
      std::vector<FormattedRow> query_rows;
      for (int i = 0; i < step.n_rows * heads.n_heads; ++i) {
        query_rows.push_back(random_head(random, head_dim, format, is_flat ? 0.01F : 3.0F));
        const auto words = query_rows.back().words(head_dim, format);
        std::copy(words.begin(), words.end(), queries.data() + i * key_bytes);
      }
      const auto query_scales = device_floats(random.normal(product(cuda::kMaxRows, heads.n_heads), is_flat ? 1e-4F : 0.01F));
      // A cache begins as zeros.
      for (auto& cache : caches) std::fill_n(cache->bytes.data(), cache->bytes.size(), std::byte{0});
      const int max_blocks = cuda::attention_blocks(kv, 1024, format);
      Aligned<float> partial(product(cuda::kMaxRows * heads.n_heads * max_blocks, head_dim + 2));
      Aligned<int> n_done(product(cuda::kMaxRows, heads.n_kv_heads));
      std::fill_n(n_done.data(), n_done.size(), 0);
      Aligned<float> mixed(product(cuda::kMaxRows, heads.n_heads * head_dim));

      // Keys and values that some row of a run sees, in the cache and plain.
      std::vector<std::int8_t> keys(product(kMaxPos, head_dim)), values(keys.size());
      std::vector<float> key_scales(kMaxPos), value_scales(kMaxPos), keys_bf16(keys.size()), values_bf16(keys.size());
      std::vector<float> expected(mixed.size());
      for (int run = 0; run < step.n_runs; ++run) {
        TestCache& cache = *caches[static_cast<std::size_t>(run)];
        const auto& first = step.rows[step.runs[run].first_row];
        const int end = first.pos + step.runs[run].n_rows;
        const int begin = window == 0 ? 0 : std::max(0, first.pos + 1 - window);
        for (int head = 0; head < heads.n_kv_heads; ++head) {
          for (int pos = begin; pos < end; ++pos) {
            const auto at = static_cast<std::size_t>(pos);
            auto key = random_head(random, head_dim, format, 1.0F);
            auto value = random_head(random, head_dim, format, 1.0F);
            key.scale = key_scales[at] = std::abs(random.normal(1)[0]);
            value.scale = value_scales[at] = seed % 10 == 0 && random.below(5) == 0 ? 0.0F : std::abs(random.normal(1)[0]);
            cache.set_key(head, pos, key);
            cache.set_value(head, pos, value);
            const auto place = static_cast<std::ptrdiff_t>(product(pos, head_dim));
            std::copy(key.q.begin(), key.q.end(), keys.begin() + place);
            std::copy(value.q.begin(), value.q.end(), values.begin() + place);
            std::copy(key.rounded.begin(), key.rounded.end(), keys_bf16.begin() + place);
            std::copy(value.rounded.begin(), value.rounded.end(), values_bf16.begin() + place);
          }
          for (int row = step.runs[run].first_row; row < step.runs[run].first_row + step.runs[run].n_rows; ++row) {
            const int pos = step.rows[row].pos;
            for (int i = 0; i < group; ++i) {
              const int query = row * heads.n_heads + head * group + i;
              const auto& x = query_rows[static_cast<std::size_t>(query)];
              const int first_pos = window == 0 ? 0 : std::max(0, pos + 1 - window);
              float* to = &expected[product(query, head_dim)];
              if (format == Format::kInt8) {
                reference::attention_int8(x.q.data(), query_scales->data()[query], scale, keys.data(), key_scales.data(), values.data(),
                                          value_scales.data(), first_pos, pos + 1, head_dim, to);
              } else {
                attention_bf16(x.rounded, scale, keys_bf16, values_bf16, first_pos, pos + 1, head_dim, to);
              }
            }
          }
        }
      }
      run_kernel(seed, [&](cuda::Stream stream) {
        return cuda::launch_attention({format, &step, queries.data(), query_scales->data(), heads, scale, kv, cuda::kMaxRows, max_blocks,
                                       partial.data(), n_done.data(), mixed.data()},
                                      stream);
      });
      REQUIRE(std::memcmp(mixed.data(), expected.data(), 4 * product(step.n_rows, heads.n_heads * head_dim)) == 0);
      for (std::size_t i = 0; i < n_done.size(); ++i) REQUIRE(n_done.data()[i] == 0);
    }
  }
}

}  // namespace octet::tests

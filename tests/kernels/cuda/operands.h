// Operands of the CUDA kernels beside the plain ones that the reference reads, and a step that is drawn at random.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "kernels/cuda/bf16.h"
#include "kernels/cuda/launches.h"
#include "kernels/reference/int8_ops.h"
#include "kernels/reference/ops.h"
#include "tests/kernels/int8_operands.h"
#include "tests/kernels/random_floats.h"

namespace octet::tests {

namespace cuda = kernels::cuda;
namespace reference = kernels::reference;

using cuda::Format;

/// Each kernel on so many shapes, so many seeds each.
inline constexpr std::uint32_t kShapes = 20;
inline constexpr std::uint32_t kSeeds = 50;
inline Format any_format() { return GENERATE(Format::kInt8, Format::kBf16); }

/// Sizes of a shape; the first are odd ones.
inline int size_of(RandomFloats& random, std::uint32_t shape) {
  return 1 + static_cast<int>(random.below(shape < 4 ? 20 : 40 * shape % 300 + 40));
}
/// The same for columns, the last more than a block of threads has in shared memory at once.
inline int columns_of(RandomFloats& random, std::uint32_t shape, Format format) {
  const int of_slice = cuda::kSliceSteps * cuda::kStepWords * cuda::per_word(format);
  return shape + 1 == kShapes ? of_slice + 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(of_slice + 200)))
                              : size_of(random, shape);
}

/// Queues by launch(stream) and runs it; nothing may be wrong with the kernel.
template <class F>
void run_kernel(std::uint64_t seed, F launch) {
  cuda_emulator::set_seed(seed);
  cuda_emulator::set_machine({});
  cuda::Stream stream;
  cudaEvent_t event;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  REQUIRE(launch(stream) == cudaSuccess);
  cudaEventRecord(event, stream);
  const cudaError_t done = cudaEventQuery(event);
  cudaEventDestroy(event);
  cudaStreamDestroy(stream);
  CAPTURE(cuda_emulator::report());
  REQUIRE(cuda_emulator::report().empty());
  REQUIRE(done == cudaSuccess);
}

/// A row of numbers as the kernels have it in a format.
struct FormattedRow {
  std::vector<std::int8_t> q;  // int8
  float scale = 0;
  std::vector<float> rounded;  // bf16, widened again

  /// Whole words, zeros behind the numbers.
  std::vector<std::byte> words(int k, Format format) const {
    std::vector<std::byte> out(static_cast<std::size_t>(cuda::n_words(k, format)) * 4);
    if (!q.empty()) std::memcpy(out.data(), q.data(), q.size());
    for (std::size_t i = 0; i < rounded.size(); ++i) {
      const std::uint16_t half = cuda::to_bf16(rounded[i]);
      std::memcpy(&out[2 * i], &half, sizeof(half));
    }
    return out;
  }
};
inline FormattedRow formatted(const float* x, int k, Format format) {
  FormattedRow out;
  if (format == Format::kInt8) {
    out.q.resize(static_cast<std::size_t>(k));
    out.scale = reference::quantize_row(x, k, out.q.data());
  } else {
    std::transform(x, x + k, std::back_inserter(out.rounded), [](float value) { return cuda::from_bf16(cuda::to_bf16(value)); });
  }
  return out;
}
inline FormattedRow norm_formatted(const float* x, const float* gain, float eps, int k, Format format) {
  std::vector<float> normed(static_cast<std::size_t>(k));
  reference::rms_norm(x, gain, eps, normed.data(), 1, k);
  return formatted(normed.data(), k, format);
}

/// How far an f32 sum may be from the exact one, relative to the sum of the magnitudes: some 20 roundings where most are on the same side.
/// A number that is rounded otherwise than it should be is 1000 times as far away.
inline constexpr double kSumTolerance = 1e-6;

/// A weight matrix, plain and as fragments; or a table.
class Fragments {
 public:
  Fragments(RandomFloats& random, int n, int k, Format format)
      : scales(static_cast<std::size_t>(cuda::n_tiles(n) * cuda::kTile)),
        format_(format),
        n_(n),
        k_(k),
        fragments_(cuda::fragment_bytes(n, k, format)) {
    std::fill_n(scales.data(), scales.size(), 0.0F);
    if (format == Format::kInt8) {
      plain_.resize(product(n, k));
      for (auto& value : plain_) value = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
      const auto drawn = random.normal(static_cast<std::size_t>(n), 0.01F);
      for (std::size_t i = 0; i < drawn.size(); ++i) scales.data()[i] = std::abs(drawn[i]);
    } else {
      for (const float value : random.normal(product(n, k))) {
        halves_.push_back(cuda::to_bf16(value));
        widened_.push_back(cuda::from_bf16(halves_.back()));
      }
    }
    cuda::pack_fragments(plain(), n, k, format, fragments_.data());
  }

  cuda::Matrix matrix() const { return {fragments_.data(), scales.data(), n_, k_, format_}; }
  cuda::Table table() const { return {plain(), scales.data()}; }
  float number(int row, int col) const {
    const std::size_t at = product(row, k_) + static_cast<std::size_t>(col);
    return format_ == Format::kInt8 ? static_cast<float>(plain_[at]) * scales.data()[row] : widened_[at];
  }

  /// Row i times x, bit for bit: in bf16 the steps of columns that are equal modulo `n_parts` make a sum, and the sums one.
  float times(int i, const FormattedRow& x, std::size_t n_parts = cuda::kWarps) const {
    const std::size_t first = product(i, k_);
    if (format_ == Format::kInt8) {
      return reference::scaled(reference::dot_int8(x.q.data(), &plain_[first], k_), x.scale, scales.data()[i]);
    }
    constexpr std::size_t kColumns = 16;  // of a step
    float parts[cuda::kWarps] = {};
    double exact = 0;
    double magnitude = 0;
    for (std::size_t col = 0; col < x.rounded.size(); ++col) {
      const float term = widened_[first + col] * x.rounded[col];
      parts[col / kColumns % n_parts] += term;
      exact += term;
      magnitude += std::abs(term);
    }
    float sum = 0;
    for (const float part : parts) sum += part;
    if (std::isfinite(magnitude)) REQUIRE(std::abs(sum - exact) <= kSumTolerance * magnitude + 1e-36);
    return sum;
  }
  /// The same in the order of a kernel whose warps do not share the columns.
  float times_in_order(int i, const FormattedRow& x) const { return times(i, x, 1); }

  Aligned<float> scales;

 private:
  const void* plain() const { return format_ == Format::kInt8 ? static_cast<const void*>(plain_.data()) : halves_.data(); }

  Format format_;
  int n_, k_;
  std::vector<std::int8_t> plain_;
  std::vector<std::uint16_t> halves_;
  std::vector<float> widened_;
  Aligned<std::byte> fragments_;
};

/// Floats that the kernel reads, ending where their allocation ends.
inline std::unique_ptr<Aligned<float>> device_floats(const std::vector<float>& values) {
  auto out = std::make_unique<Aligned<float>>(values.size());
  std::copy(values.begin(), values.end(), out->data());
  return out;
}

/// Rows of `k` numbers each, now and then with one that is none.
inline std::vector<float> random_rows(RandomFloats& random, int n_rows, int k) {
  auto x = random.below(4) == 0 ? random.mixed(product(n_rows, k)) : random.normal(product(n_rows, k));
  if (random.below(8) == 0) x[random.below(static_cast<std::uint32_t>(x.size()))] = random.below(2) == 0 ? NAN : INFINITY;
  if (random.below(8) == 0) std::fill_n(x.begin(), k, 0.0F);
  return x;
}

/// 1 to 8 rows in runs of one sequence each, at random positions.
inline cuda::Step random_step(RandomFloats& random, int max_pos) {
  cuda::Step step{};
  step.n_rows = 1 + static_cast<int>(random.below(cuda::kMaxRows));
  step.first_row = static_cast<int>(random.below(3));
  for (int row = 0; row < step.n_rows;) {
    auto& run = step.runs[step.n_runs++];
    run.first_row = row;
    run.n_rows =
        random.below(2) == 0 ? step.n_rows - row : 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(step.n_rows - row)));
    const int pos = static_cast<int>(random.below(static_cast<std::uint32_t>(max_pos - run.n_rows)));
    for (int i = 0; i < run.n_rows; ++i, ++row) {
      step.rows[row].pos = pos + i;
      for (auto& value : step.rows[row].tail) value = static_cast<std::uint16_t>(random.below(257));
      step.rows[row].byte = static_cast<std::uint8_t>(random.below(256));
      step.rows[row].tail[cuda::kMaxTail - 1] = static_cast<std::uint16_t>(step.rows[row].byte + 1);
    }
  }
  return step;
}

/// The bytes of one sequence's layer: every key/value head's ring of blocks, by layout.h's description.
class TestCache {
 public:
  TestCache(int n_kv_heads, int n_blocks, int head_dim, Format format)
      : n_blocks_(n_blocks),
        head_dim_(head_dim),
        format_(format),
        bytes(kOffset + static_cast<std::size_t>(n_kv_heads * n_blocks) * block_bytes()) {}

  static constexpr std::size_t kOffset = 64;

  std::byte* key(int head, int pos) { return block(head, pos) + static_cast<std::size_t>(pos % 256 * key_bytes()); }
  std::byte* value(int head, int pos, int dim) {
    return block(head, pos) + static_cast<std::size_t>(256 * key_bytes() + (dim * 256 + pos % 256) * number_bytes());
  }
  void set_key(int head, int pos, const FormattedRow& row) {
    const auto words = row.words(head_dim_, format_);
    std::copy(words.begin(), words.end(), key(head, pos));
    if (format_ == Format::kInt8) scales(head, pos)[pos % 256] = row.scale;
  }
  void set_value(int head, int pos, const FormattedRow& row) {
    const auto words = row.words(head_dim_, format_);
    for (int i = 0; i < head_dim_; ++i) std::copy_n(words.begin() + i * number_bytes(), number_bytes(), value(head, pos, i));
    if (format_ == Format::kInt8) scales(head, pos)[256 + pos % 256] = row.scale;
  }

 private:
  int n_blocks_, head_dim_;
  Format format_;
  int number_bytes() const { return format_ == Format::kInt8 ? 1 : 2; }
  int key_bytes() const { return (head_dim_ * number_bytes() + 31) / 32 * 32; }
  int value_bytes() const { return (head_dim_ + 15) / 16 * 16 * number_bytes(); }
  std::size_t block_bytes() const {
    return static_cast<std::size_t>(256 * (key_bytes() + value_bytes()) + (format_ == Format::kInt8 ? 2 * 256 * 4 : 0));
  }
  std::byte* block(int head, int pos) {
    return bytes.data() + kOffset + static_cast<std::size_t>(head * n_blocks_ + pos / 256 % n_blocks_) * block_bytes();
  }
  float* scales(int head, int pos) { return reinterpret_cast<float*>(block(head, pos) + 256 * (key_bytes() + value_bytes())); }

 public:
  Aligned<std::byte> bytes;
};

}  // namespace octet::tests

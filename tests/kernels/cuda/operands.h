// Operands of the CUDA kernels beside the plain ones that the reference reads, and a step that is drawn at random.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "kernels/cuda/launches.h"
#include "kernels/reference/int8_ops.h"
#include "kernels/reference/ops.h"
#include "tests/kernels/int8_operands.h"
#include "tests/kernels/random_floats.h"

namespace octet::tests {

namespace cuda = kernels::cuda;
namespace reference = kernels::reference;

/// As the issue asks: each kernel on so many shapes, so many seeds each.
inline constexpr std::uint32_t kShapes = 20;
inline constexpr std::uint32_t kSeeds = 50;

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

/// A weight matrix, plain and as fragments.
class Fragments {
 public:
  Fragments(RandomFloats& random, int n, int k)
      : plain(product(n, k)),
        scales(static_cast<std::size_t>(cuda::n_tiles(n) * cuda::kTile)),
        n_(n),
        k_(k),
        fragments_(cuda::fragment_bytes(n, k)) {
    for (auto& value : plain) value = static_cast<std::int8_t>(static_cast<int>(random.below(255)) - 127);
    const auto drawn = random.normal(static_cast<std::size_t>(n), 0.01F);
    std::fill_n(scales.data(), scales.size(), 0.0F);
    for (std::size_t i = 0; i < drawn.size(); ++i) scales.data()[i] = std::abs(drawn[i]);
    cuda::pack_fragments(plain.data(), n, k, fragments_.data());
  }

  cuda::Matrix matrix() const { return {fragments_.data(), scales.data(), n_, k_}; }
  /// Row i, as the reference has it, times a quantised row.
  float times(int i, const std::int8_t* q, float scale) const {
    return reference::scaled(reference::dot_int8(q, &plain[product(i, k_)], k_), scale, scales.data()[i]);
  }

  std::vector<std::int8_t> plain;
  Aligned<float> scales;

 private:
  int n_, k_;
  Aligned<std::int8_t> fragments_;
};

/// Floats that the kernel reads, ending where their allocation ends.
inline std::unique_ptr<Aligned<float>> device_floats(const std::vector<float>& values) {
  auto out = std::make_unique<Aligned<float>>(values.size());
  std::copy(values.begin(), values.end(), out->data());
  return out;
}

struct QuantizedRow {
  std::vector<std::int8_t> q;
  float scale;
};
inline QuantizedRow quantized(const float* x, int k) {
  QuantizedRow out{std::vector<std::int8_t>(static_cast<std::size_t>(k)), 0};
  out.scale = reference::quantize_row(x, k, out.q.data());
  return out;
}
inline QuantizedRow norm_quantized(const float* x, const float* gain, float eps, int k) {
  std::vector<float> normed(static_cast<std::size_t>(k));
  reference::rms_norm(x, gain, eps, normed.data(), 1, k);
  return quantized(normed.data(), k);
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
  TestCache(int n_kv_heads, int n_blocks, int head_dim)
      : n_blocks_(n_blocks), head_dim_(head_dim), bytes(kOffset + static_cast<std::size_t>(n_kv_heads * n_blocks) * block_bytes()) {}

  static constexpr std::size_t kOffset = 64;

  std::byte* key(int head, int pos) { return block(head, pos) + static_cast<std::size_t>(pos % 256 * key_bytes()); }
  std::byte& value(int head, int pos, int dim) {
    return block(head, pos)[static_cast<std::size_t>(256 * key_bytes() + dim * 256 + pos % 256)];
  }
  float& key_scale(int head, int pos) { return scales(head, pos)[pos % 256]; }
  float& value_scale(int head, int pos) { return scales(head, pos)[256 + pos % 256]; }
  int key_bytes() const { return (head_dim_ + 31) / 32 * 32; }

 private:
  int n_blocks_, head_dim_;
  int value_rows() const { return (head_dim_ + 15) / 16 * 16; }
  std::size_t block_bytes() const { return static_cast<std::size_t>(256 * (key_bytes() + value_rows()) + 2 * 256 * 4); }
  std::byte* block(int head, int pos) {
    return bytes.data() + kOffset + static_cast<std::size_t>(head * n_blocks_ + pos / 256 % n_blocks_) * block_bytes();
  }
  float* scales(int head, int pos) { return reinterpret_cast<float*>(block(head, pos) + 256 * (key_bytes() + value_rows())); }

 public:
  Aligned<std::byte> bytes;
};

}  // namespace octet::tests

// What a long chunk has beside a chunk: weights as plain rows, cuBLASLt's products, and what becomes of its sums. The runner's tests put
// all of it together.
#include <array>
#include <vector>

#include "kernels/cuda/matmul.h"
#include "kernels/reference/math.h"
#include "tests/kernels/cuda/operands.h"

namespace octet::tests {
namespace {

constexpr int kRows = 80;  // that there is room for

/// Numbers where cuBLASLt wants them: at a multiple of 256 bytes.
template <class T>
struct Buffer {
  explicit Buffer(std::size_t n) : size(n), memory(n + 256 / sizeof(T)) {}
  T* data() {
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    return memory.data() + (256 - address % 256) % 256 / sizeof(T);
  }
  std::size_t size;
  std::vector<T> memory;
};

}  // namespace

TEST_CASE("cuda: fragments become the rows that they were") {
  const Format format = any_format();
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(500 + shape);
    const int n = size_of(sizes, shape);
    const int k = columns_of(sizes, shape, format);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      CAPTURE(shape, n, k, seed);
      RandomFloats random(seed * kShapes + shape);
      const Fragments w(random, n, k, format);
      const std::size_t width = static_cast<std::size_t>(cuda::n_words(k, format));
      Aligned<unsigned> rows(static_cast<std::size_t>(cuda::n_tiles(n) * cuda::kTile) * width);
      run_kernel(seed, [&](cuda::Stream stream) { return cuda::launch_unpack({w.matrix(), rows.data()}, stream); });
      const std::size_t n_bytes = static_cast<std::size_t>(k * cuda::number_bytes(format));
      for (std::size_t row = 0; row * width < rows.size(); ++row) {
        std::vector<std::byte> expected(width * 4);
        if (row < static_cast<std::size_t>(n))
          std::memcpy(expected.data(), static_cast<const std::byte*>(w.table().values) + row * n_bytes, n_bytes);
        REQUIRE(std::memcmp(rows.data() + row * width, expected.data(), expected.size()) == 0);
      }
    }
  }
}

TEST_CASE("cuda: a long chunk's products, stored, added and gated, are a chunk's: in int8 bit for bit") {
  const Format format = any_format();
  using Kind = cuda::ChunkProductArgs::Kind;
  Buffer<std::byte> workspace(cuda::kMatmulWorkspace);
  for (std::uint32_t shape = 0; shape < kShapes; ++shape) {
    RandomFloats sizes(600 + shape);
    const int columns = size_of(sizes, shape);
    const int k = size_of(sizes, shape);
    for (std::uint32_t seed = 0; seed < kSeeds; ++seed) {
      const Kind kind = std::array{Kind::kStore, Kind::kAdd, Kind::kSwiglu}[seed % 3];
      const int n = kind == Kind::kSwiglu ? 2 * cuda::n_tiles(columns) * cuda::kTile : columns;
      CAPTURE(shape, columns, k, seed);
      RandomFloats random(seed * kShapes + shape);
      cuda::Step step{};
      step.n_rows = 1 + static_cast<int>(random.below(kRows));
      step.first_row = static_cast<int>(random.below(3));
      const Fragments w(random, n, k, format);
      const auto shape_of = cuda::matmul_shape(w.matrix(), kRows);
      const auto from = device_floats(random.normal(product(kRows + 3, columns)));
      const auto x = device_floats(random.normal(product(kRows, k)));
      Buffer<unsigned> plain(cuda::fragment_bytes(n, k, format) / 4);
      Buffer<unsigned> words(cuda::chunk_words(kRows, k, format));
      Buffer<float> sums(product(kRows, shape_of.n));
      Aligned<float> scales(kRows);
      Aligned<float> to(product(kRows + 3, columns));
      const Aligned<float> untouched(to.size());
      const auto rows = cuda::rows_by_row(format, words.data(), scales.data(), kRows, k);
      cuda::Matmul matmul;
      run_kernel(seed, [&](cuda::Stream stream) {
        REQUIRE(matmul.can_multiply(shape_of));
        REQUIRE(cuda::launch_quantize({&step, x->data(), nullptr, 0, k, rows}, stream) == cudaSuccess);
        REQUIRE(cuda::launch_unpack({w.matrix(), plain.data()}, stream) == cudaSuccess);
        REQUIRE(matmul.launch({shape_of, plain.data(), words.data(), sums.data(), workspace.data()}, stream) == nullptr);
        return cuda::launch_finish_product({{kind, &step, rows, w.matrix(), from->data(), to.data(), columns}, sums.data()}, stream);
      });
      matmul.close(false);
      const int first = kind == Kind::kAdd ? step.first_row : 0;
      for (int i = 0; i < (kRows + 3) * columns; ++i) {
        const int row = i / columns - first;
        const int column = i % columns;
        const float found = to.data()[i];
        if (row < 0 || row >= step.n_rows) {
          REQUIRE(is_same_number(found, untouched.data()[i]));
          continue;
        }
        const auto q = formatted(x->data() + row * k, k, format);
        const int gate = column / 16 * 32 + column % 16;
        const float expected = kind == Kind::kStore ? w.times(column, q)
                               : kind == Kind::kAdd ? from->data()[i] + w.times(column, q)
                                                    : reference::silu(w.times(gate, q)) * w.times(gate + 16, q);
        CAPTURE(row, column);
        if (format == Format::kInt8) {
          REQUIRE(is_same_number(found, expected));
        } else {
          REQUIRE(std::abs(found - expected) <= 1e-4F * (1 + std::abs(expected)));  // another order of sums
        }
      }
    }
  }
}

TEST_CASE("cuda: cuBLASLt is asked before it is used") {
  cuda::Matmul matmul;
  cuda_emulator::FakeMachine machine;
  machine.has_cublas = false;
  cuda_emulator::set_machine(machine);
  CHECK_FALSE(matmul.can_multiply({Format::kInt8, 64, 64, 128}));
  cuda_emulator::set_machine({});
  CHECK_FALSE(matmul.can_multiply({Format::kInt8, 64, 64, 128}));  // who was told that there is none does not ask again

  cuda::Matmul other;
  machine = {};
  machine.unknown_product = 1;
  cuda_emulator::set_machine(machine);
  CHECK(other.can_multiply({Format::kInt8, 64, 64, 128}));
  CHECK_FALSE(other.can_multiply({Format::kBf16, 64, 64, 128}));
  CHECK(other.can_multiply({Format::kBf16, 64, 64, 128}));
  CHECK(other.can_multiply({Format::kInt8, 64, 64, 128}));
  CHECK(cuda_emulator::counts().products_asked == 3);
  CHECK(other.launch({{Format::kInt8, 32, 64, 128}, nullptr, nullptr, nullptr, nullptr}, nullptr) != nullptr);
  other.close(false);
}

}  // namespace octet::tests

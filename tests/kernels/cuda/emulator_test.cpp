// The emulator: what it computes as a GPU would, and that it notices what is wrong with a kernel.
#include "kernels/cuda/machine.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/kernels/random_floats.h"

namespace octet::tests {
namespace {

using kernels::cuda::Shared;
using kernels::cuda::SharedSpace;

/// The report of running kernel() in blocks of n threads.
template <class F>
std::string run(unsigned n_threads, std::size_t shared_bytes, F kernel, unsigned n_blocks = 1) {
  return cuda_emulator::run_grid({n_blocks, 1, 1}, {n_threads, 1, 1}, shared_bytes, kernel);
}

/// Reverses 64 words through shared memory.
void reverse(int* words, bool has_barrier) {
  SharedSpace space;
  const Shared<int> shared = space.take<int>(64);
  const int i = static_cast<int>(threadIdx.x);
  shared.write(i, words[i]);
  if (has_barrier) __syncthreads();
  words[i] = shared.read(63 - i);
}

}  // namespace

TEST_CASE("threads of a block exchange words behind a barrier, whatever the order that they run in") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    cuda_emulator::set_seed(seed);
    std::vector<int> words(64);
    for (int i = 0; i < 64; ++i) words[static_cast<std::size_t>(i)] = i;
    REQUIRE(run(64, 256, [&] { reverse(words.data(), true); }).empty());
    for (int i = 0; i < 64; ++i) REQUIRE(words[static_cast<std::size_t>(i)] == 63 - i);
  }
}

TEST_CASE("a removed barrier is a race, or a word that nobody wrote, for every seed") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    cuda_emulator::set_seed(seed);
    std::vector<int> words(64);
    const std::string report = run(64, 256, [&] { reverse(words.data(), false); });
    CAPTURE(seed, report);
    REQUIRE((report.find("race: ") != std::string::npos || report.find("nobody wrote") != std::string::npos));
    REQUIRE_THAT(report, Catch::Contains("emulator_test.cpp"));
  }
}

TEST_CASE("two threads that write one word race, even where they write the same") {
  const std::string report = run(64, 256, [] {
    SharedSpace space;
    space.take<int>(64).write(static_cast<int>(threadIdx.x) / 2, 7);
  });
  CHECK_THAT(report, Catch::Contains("race: writes what another thread writes"));
}

TEST_CASE("a word that is written again before all have read it is a race") {
  const auto kernel = [](bool has_second_barrier) {
    SharedSpace space;
    const Shared<int> shared = space.take<int>(1);
    for (int i = 0; i < 2; ++i) {
      if (threadIdx.x == 0) shared.write(0, i);
      __syncthreads();
      if (shared.read(0) != i) kernels::cuda::emulated::fail("another value", cuda_emulator::Site::current());
      if (has_second_barrier) __syncthreads();
    }
  };
  CHECK(run(96, 16, [&] { kernel(true); }).empty());
  CHECK_THAT(run(96, 16, [&] { kernel(false); }), Catch::Contains("race: writes what another thread reads"));
}

TEST_CASE("__syncwarp orders a warp's accesses and no others") {
  const auto kernel = [](int distance) {
    SharedSpace space;
    const Shared<int> shared = space.take<int>(64);
    const int i = static_cast<int>(threadIdx.x);
    shared.write(i, i);
    __syncwarp();
    if (shared.read(i ^ distance) != (i ^ distance)) kernels::cuda::emulated::fail("another value", cuda_emulator::Site::current());
  };
  CHECK(run(64, 256, [&] { kernel(1); }).empty());
  const std::string report = run(64, 256, [&] { kernel(32); });
  CHECK((report.find("race: reads") != std::string::npos || report.find("nobody wrote") != std::string::npos));
}

TEST_CASE("a barrier that some threads miss is reported, and where the others wait") {
  const std::string report = run(64, 0, [] {
    if (threadIdx.x < 40) __syncthreads();
  });
  CHECK_THAT(report, Catch::Contains("missed barrier: 24 threads have left") && Catch::Contains("emulator_test.cpp"));
}

TEST_CASE("threads that wait at different barriers are reported") {
  const std::string report = run(64, 0, [] {
    if (threadIdx.x < 32) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  });
  CHECK_THAT(report, Catch::Contains("divergent barrier"));
}

TEST_CASE("lanes that shuffle at different places are reported") {
  const std::string report = run(32, 0, [] {
    if (threadIdx.x < 16) {
      __shfl_xor_sync(0xFFFFFFFFU, 1, 1);
    } else {
      __shfl_xor_sync(0xFFFFFFFFU, 1, 1);
    }
  });
  CHECK_THAT(report, Catch::Contains("meet at different places"));
}

TEST_CASE("a lane that left its warp is missed") {
  const std::string report = run(32, 0, [] {
    if (threadIdx.x != 5) __syncwarp();
  });
  CHECK_THAT(report, Catch::Contains("waits for its warp"));
}

TEST_CASE("shuffles and votes bring what the lanes had") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    cuda_emulator::set_seed(seed);
    const std::string report = run(64, 0, [] {
      const int lane = static_cast<int>(threadIdx.x) % 32;
      int sum = lane;
      for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, distance);
      const unsigned odd = __ballot_sync(0xFFFFFFFFU, lane % 2);
      if (sum != 31 * 16 || odd != 0xAAAAAAAAU) kernels::cuda::emulated::fail("another value", cuda_emulator::Site::current());
    });
    REQUIRE(report.empty());
  }
}

TEST_CASE("an async copy arrives when it is waited for, and for others behind a barrier") {
  alignas(16) const uint4 source[32] = {};
  const auto kernel = [&](bool waits, bool meets, int from) {
    SharedSpace space;
    const Shared<uint4> shared = space.take<uint4>(32);
    const int i = static_cast<int>(threadIdx.x);
    shared.copy_later(i, source + i);
    kernels::cuda::commit_copies();
    if (waits) kernels::cuda::wait_for_copies<0>();
    if (meets) __syncthreads();
    shared.read(i ^ from);
    kernels::cuda::wait_for_copies<0>();
  };
  CHECK(run(32, 512, [&] { kernel(true, true, 3); }).empty());
  CHECK(run(32, 512, [&] { kernel(true, false, 0); }).empty());
  CHECK_FALSE(run(32, 512, [&] { kernel(true, false, 3); }).empty());
  CHECK_THAT(run(32, 512, [&] { kernel(false, true, 3); }), Catch::Contains("has not brought"));
  CHECK_THAT(run(32, 512,
                 [&] {
                   SharedSpace space;
                   space.take<uint4>(32).copy_later(static_cast<int>(threadIdx.x), source);
                 }),
             Catch::Contains("copies on their way"));
}

TEST_CASE("the last of several blocks may read what the others wrote behind fences and barriers, and not without one of them") {
  constexpr int kNone = 5;
  // Each block writes a number a thread; the last to count adds all. `missing`: which of the four steps is left out.
  const auto report = [](int missing) {
    std::vector<int> numbers(2 * 64);
    int n_done = 0;
    int sum = 0;
    return run(
        64, 16,
        [&] {
          const auto is_last = SharedSpace().take<int>(1);
          numbers[blockIdx.x * 64 + threadIdx.x] = 1;
          if (missing != 0 && (missing != 1 || threadIdx.x == 0)) __threadfence();
          if (missing != 2) __syncthreads();
          if (threadIdx.x == 0) is_last.write(0, atomicAdd(&n_done, 1));
          __syncthreads();
          if (is_last.read(0) == 0) return;
          if (missing != 3) __threadfence();
          for (const int& number : numbers) sum += threadIdx.x == 0 ? kernels::cuda::read_fresh(&number) : 0;
          if (threadIdx.x == 0 && sum != 128) kernels::cuda::emulated::fail("another value", cuda_emulator::Site::current());
        },
        2);
  };
  CHECK(report(kNone).empty());
  for (const int missing : {0, 1, 2}) CHECK_THAT(report(missing), Catch::Contains("counts before a fence of thread"));
  CHECK_THAT(report(3), Catch::Contains("without a barrier and a fence behind the count"));
}

TEST_CASE("shared memory ends where it ends, is taken in words, and is new for each block") {
  CHECK_THAT(run(32, 124, [] { SharedSpace().take<int>(32); }), Catch::Contains("more shared memory than the launch gives"));
  CHECK_THAT(run(1, 128, [] { SharedSpace().take<int>(32).read(32); }), Catch::Contains("beyond the end"));
  CHECK_THAT(run(1, 128, [] { SharedSpace().take<char>(32).write(1, 'a'); }), Catch::Contains("whole words"));
  bool is_first = true;
  const std::string report = run(
      1, 128,
      [&] {
        const auto word = SharedSpace().take<int>(1);
        if (is_first) word.write(0, 1);
        is_first = false;
        word.read(0);
      },
      2);
  CHECK_THAT(report, Catch::Contains("nobody wrote"));
}

TEST_CASE("blocks come in another order for another seed, each once") {
  std::set<std::vector<unsigned>> orders;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    cuda_emulator::set_seed(seed);
    std::vector<unsigned> order;
    REQUIRE(run(
                1, 0, [&] { order.push_back(blockIdx.x); }, 7)
                .empty());
    orders.insert(order);
    REQUIRE(std::set<unsigned>(order.begin(), order.end()).size() == 7);
  }
  CHECK(orders.size() > 10);
}

namespace {

/// c[16, 8] = a[16, k] . b[k, 8] by one warp, the fragments filled by PTX's formulas for the index i of an element and this lane;
/// `shift` spoils the row of a.
template <class T, class U, class Sum>
std::vector<Sum> product_of_warp(cuda_emulator::Operands operands, const std::vector<T>& a, const std::vector<U>& b, int shift = 0) {
  constexpr int kPer = 4 / static_cast<int>(sizeof(T));
  constexpr int kDepth = 8 * kPer;
  std::vector<Sum> c(16 * 8);
  const std::string report = run(32, 0, [&] {
    const int group = static_cast<int>(threadIdx.x) / 4;
    const int in_group = static_cast<int>(threadIdx.x) % 4;
    T own_a[4 * kPer];
    U own_b[2 * kPer];
    Sum own_c[4] = {};
    for (int i = 0; i < 4 * kPer; ++i) {
      const bool is_upper_row = i / kPer == 1 || i / kPer == 3;
      const int row = (group + (is_upper_row ? 8 : 0) + shift) % 16;
      const int column = in_group * kPer + i % kPer + (i >= 2 * kPer ? kDepth / 2 : 0);
      own_a[i] = a[static_cast<std::size_t>(row * kDepth + column)];
    }
    for (int i = 0; i < 2 * kPer; ++i) {
      const int row = in_group * kPer + i % kPer + (i >= kPer ? kDepth / 2 : 0);
      own_b[i] = b[static_cast<std::size_t>(row * 8 + group)];
    }
    cuda_emulator::mma(operands, own_c, own_a, own_b, cuda_emulator::Site::current());
    for (int i = 0; i < 4; ++i) c[static_cast<std::size_t>((group + (i >= 2 ? 8 : 0)) * 8 + in_group * 2 + i % 2)] = own_c[i];
  });
  REQUIRE(report.empty());
  return c;
}

template <class Sum, class T, class U, class F>
std::vector<Sum> plain_product(const std::vector<T>& a, const std::vector<U>& b, F widen) {
  const std::size_t depth = a.size() / 16;
  std::vector<Sum> c(16 * 8);
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      for (std::size_t k = 0; k < depth; ++k) c[row * 8 + column] += widen(a[row * depth + k]) * widen(b[k * 8 + column]);
    }
  }
  return c;
}

}  // namespace

TEST_CASE("the products of fragments are those of the matrices, and a wrong row is seen") {
  RandomFloats random(1);
  const auto integer = [](auto x) { return static_cast<int>(x); };
  std::vector<std::int8_t> a(16 * 32);
  std::vector<std::int8_t> b(32 * 8);
  std::vector<std::uint8_t> positive(32 * 8);
  for (auto& x : a) x = static_cast<std::int8_t>(random.below(256));
  for (auto& x : b) x = static_cast<std::int8_t>(random.below(256));
  for (auto& x : positive) x = static_cast<std::uint8_t>(random.below(256));
  using cuda_emulator::Operands;
  CHECK(product_of_warp<std::int8_t, std::int8_t, int>(Operands::kS8S8, a, b) == plain_product<int>(a, b, integer));
  CHECK(product_of_warp<std::int8_t, std::int8_t, int>(Operands::kS8S8, a, b, 1) != plain_product<int>(a, b, integer));
  CHECK(product_of_warp<std::int8_t, std::uint8_t, int>(Operands::kS8U8, a, positive) == plain_product<int>(a, positive, integer));
  std::vector<std::uint16_t> half_a(16 * 16);
  std::vector<std::uint16_t> half_b(16 * 8);
  // Small whole numbers, so that no order of summation changes the sum.
  const auto small = [&] {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(random.below(100)) - 50.0F) >> 16);
  };
  for (auto& x : half_a) x = small();
  for (auto& x : half_b) x = small();
  const auto widen = [](std::uint16_t x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16); };
  CHECK(product_of_warp<std::uint16_t, std::uint16_t, float>(Operands::kBf16, half_a, half_b) ==
        plain_product<float>(half_a, half_b, widen));
}

TEST_CASE("a float becomes the nearest bf16, halves to even, the first of two in the lower half of a word") {
  using kernels::cuda::from_bf16;
  using kernels::cuda::to_bf16;
  const auto bits = [](std::uint32_t x) { return std::bit_cast<float>(x); };
  CHECK(to_bf16(1.0F) == 0x3F80);
  CHECK(to_bf16(-1.0F) == 0xBF80);
  CHECK(to_bf16(bits(0x3F808000)) == 0x3F80);
  CHECK(to_bf16(bits(0x3F808001)) == 0x3F81);
  CHECK(to_bf16(bits(0x3F818000)) == 0x3F82);
  CHECK(to_bf16(bits(0x7F7FFFFF)) == 0x7F80);
  CHECK(to_bf16(bits(0xFF800000)) == 0xFF80);
  CHECK(to_bf16(bits(0x00000001)) == 0);
  for (const std::uint32_t nan : {0x7F800001U, 0x7FFFFFFFU, 0xFFC00000U}) CHECK(std::isnan(from_bf16(to_bf16(bits(nan)))));
  for (std::uint32_t half = 0; half < 0x7F80; ++half) REQUIRE(to_bf16(from_bf16(static_cast<std::uint16_t>(half))) == half);
  CHECK(kernels::cuda::bf16_pair(1.0F, -1.0F) == 0xBF803F80U);
}

}  // namespace octet::tests

#include "tests/support/cuda_emulator/fragments.h"

#include <bit>
#include <cstring>

namespace octet::cuda_emulator {
namespace {

constexpr std::size_t kA = 16, kB = 8, kC = 16;  // bytes of a lane's fragments, in this order

/// The rows of a and c that a lane's registers belong to, and its columns.
struct LaneOf {
  explicit LaneOf(std::size_t lane) : group(lane / 4), in_group(lane % 4) {}
  std::size_t group, in_group;
};

template <class T>
T element(const std::byte* registers, std::size_t i) {
  T value;
  std::memcpy(&value, registers + i * sizeof(T), sizeof(T));
  return value;
}

float widen(std::uint16_t bf16) { return std::bit_cast<float>(static_cast<std::uint32_t>(bf16) << 16); }

/// T, U: elements of a and b; per register 4 / sizeof(T) of them; kDepth = 8 registers' worth: 32 for bytes, 16 for halves.
template <class T, class U, class Sum, class Product>
void multiply(const thread::Exchange& in, thread::Exchange& out, Product product) {
  constexpr std::size_t kPer = 4 / sizeof(T);
  constexpr std::size_t kDepth = 8 * kPer;
  T a[16][kDepth];
  U b[8][kDepth];
  Sum c[16][8];
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const LaneOf at(lane);
    const std::byte* registers = in[lane].data();
    for (std::size_t i = 0; i < 4 * kPer; ++i) {  // a: registers 0 and 2 in row group, 1 and 3 in row group + 8; 2 and 3 in the second half
      const std::size_t reg = i / kPer;
      a[at.group + reg % 2 * 8][at.in_group * kPer + i % kPer + reg / 2 * (kDepth / 2)] = element<T>(registers, i);
    }
    for (std::size_t i = 0; i < 2 * kPer; ++i) {
      b[at.group][at.in_group * kPer + i % kPer + i / kPer * (kDepth / 2)] = element<U>(registers + kA, i);
    }
    for (std::size_t i = 0; i < 4; ++i) c[at.group + i / 2 * 8][at.in_group * 2 + i % 2] = element<Sum>(registers + kA + kB, i);
  }
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      Sum sum = c[row][column];
      for (std::size_t k = 0; k < kDepth; ++k) sum += product(a[row][k], b[column][k]);
      c[row][column] = sum;
    }
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const LaneOf at(lane);
    for (std::size_t i = 0; i < 4; ++i)
      std::memcpy(out[lane].data() + i * sizeof(Sum), &c[at.group + i / 2 * 8][at.in_group * 2 + i % 2], sizeof(Sum));
  }
}

void multiply_any(const thread::Exchange& in, thread::Exchange& out, int operands) {
  const auto integers = [](int a, int b) { return a * b; };
  switch (static_cast<Operands>(operands)) {
    case Operands::kS8S8: return multiply<std::int8_t, std::int8_t, std::int32_t>(in, out, integers);
    case Operands::kS8U8: return multiply<std::int8_t, std::uint8_t, std::int32_t>(in, out, integers);
    case Operands::kBf16:
      return multiply<std::uint16_t, std::uint16_t, float>(in, out, [](std::uint16_t a, std::uint16_t b) { return widen(a) * widen(b); });
  }
}

}  // namespace

void mma(Operands operands, void* c, const void* a, const void* b, Site site) {
  std::byte registers[kA + kB + kC];
  std::memcpy(registers, a, kA);
  std::memcpy(registers + kA, b, kB);
  std::memcpy(registers + kA + kB, c, kC);
  thread::exchange(registers, sizeof(registers), c, kC, multiply_any, static_cast<int>(operands), site);
}

}  // namespace octet::cuda_emulator

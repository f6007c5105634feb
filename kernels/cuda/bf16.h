// The upper half of a float as a number: bf16. Plain C++.
#pragma once

#include <bit>
#include <cstdint>

namespace octet::kernels::cuda {

/// The nearest one, halves to even; what is larger than all is infinite, no number stays none.
constexpr std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return 0x7FFF;
  return static_cast<std::uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

constexpr float from_bf16(std::uint16_t x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16); }

}  // namespace octet::kernels::cuda

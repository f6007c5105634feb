// Elementary functions with one definition: the same bits on every machine, instruction set and C library. constexpr without arrays,
// so that CUDA kernels may call them.
#pragma once

#include <bit>
#include <cstdint>

#include "kernels/reference/exp_constants.h"

namespace octet::kernels::reference {

/// e^x with a relative error below 2e-7 on [-87, 88]; arguments beyond are clamped to the range.
constexpr float exp(float x) {
  x = x < kExpLowest ? kExpLowest : x;
  x = x > kExpHighest ? kExpHighest : x;
  const float shifted = x * kLog2E + kRoundToInt;
  const float n = shifted - kRoundToInt;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  constexpr float c0 = kExpPolynomial[0], c1 = kExpPolynomial[1], c2 = kExpPolynomial[2];
  constexpr float c3 = kExpPolynomial[3], c4 = kExpPolynomial[4], c5 = kExpPolynomial[5];
  const float p = ((((c0 * r + c1) * r + c2) * r + c3) * r + c4) * r + c5;
  const float mantissa = (p * (r * r) + r) + 1.0F;
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - kRoundToIntBits + 127;
  return mantissa * std::bit_cast<float>(exponent << 23);
}

/// 2^x with a relative error below 3e-6 for x <= 0; below -125 as there. 2^0 is 1, and of no number it is none.
constexpr float exp2(float x) {
  if (x != x) return x;  // the bits of a GPU's NaN would become those of a number
  x = x < kExp2Lowest ? kExp2Lowest : x;
  const float shifted = x + kRoundToInt;
  const float f = x - (shifted - kRoundToInt);
  constexpr float c0 = kExp2Polynomial[0], c1 = kExp2Polynomial[1], c2 = kExp2Polynomial[2], c3 = kExp2Polynomial[3],
                  c4 = kExp2Polynomial[4];
  const float p = (((c0 * f + c1) * f + c2) * f + c3) * f + c4;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(p) + (std::bit_cast<std::uint32_t>(shifted) << 23));
}

/// The natural logarithm of a normal positive number, with an error below 2e-7 of it or of 1, whichever is larger.
constexpr float log(float x) {
  // x = m * 2^e with m from sqrt(1/2) to sqrt(2); log m = 2 atanh(s) as a series in s = (m - 1) / (m + 1).
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t shifted = bits - 0x3F3504F3U;  // sqrt(1/2)
  const float e = static_cast<float>(static_cast<std::int32_t>(shifted) >> 23);
  const float m = std::bit_cast<float>((shifted & 0x007FFFFFU) + 0x3F3504F3U);
  const float s = (m - 1.0F) / (m + 1.0F);
  const float z = s * s;
  const float series = ((z * (1.0F / 9.0F) + 1.0F / 7.0F) * z + 1.0F / 5.0F) * z + 1.0F / 3.0F;
  return e * 0.693147181F + (2.0F * s + 2.0F * s * z * series);
}

constexpr float sigmoid(float x) { return 1.0F / (1.0F + exp(-x)); }

constexpr float silu(float x) { return x * sigmoid(x); }

/// Absolute error below 2e-7: near 0 it cancels, which the sums it enters do not notice.
constexpr float tanh(float x) { return 1.0F - 2.0F / (exp(2.0F * x) + 1.0F); }

}  // namespace octet::kernels::reference

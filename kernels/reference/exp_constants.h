// The numbers of exp, shared by the scalar definition and the vector kernels: same operations, same order, same bits.
// Source: Cephes expf (range reduction by ln 2 in two parts, polynomial of degree 5).
#pragma once

#include <cstdint>

namespace octet::kernels::reference {

inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2High = 0.693359375F;    // ln 2 in a few bits: n * kLn2High is exact
inline constexpr float kLn2Low = -2.12194440e-4F;  // and what it lacks
inline constexpr float kExpLowest = -87.0F;        // below, the result would be denormal
inline constexpr float kExpHighest = 88.0F;        // above, it would overflow
inline constexpr float kRoundToInt = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
inline constexpr std::int32_t kRoundToIntBits = 0x4B400000;
inline constexpr float kExpPolynomial[] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                           4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};

// 2^f on [-1/2, 1/2] with a relative error below 3e-6: the weights of int8 attention have 15 bits. Minimax fit with p(0) = 1.
inline constexpr float kExp2Lowest = -125.0F;
inline constexpr float kExp2Polynomial[] = {9.582852994e-3F, 5.590642474e-2F, 2.402409861e-1F, 6.931241934e-1F, 1.0F};

}  // namespace octet::kernels::reference

// The operations of the int8 profile in plain scalar C++: the specification and the oracle of kernels/int8.
//
// Sums of products are exact integers. Everything else is f32 in one fixed order, compiled with -ffp-contract=off. Contracts
// as in ops.h; nothing is packed here: matrices are row-major int8 with one scale a row.
#pragma once

#include <cstdint>

namespace octet::kernels::reference {

/// q[k], scale: largest = max|x|; scale = largest / 127, q = x * (127 / largest) rounded to the nearest, halves to even. A row
/// whose largest is below 1e-30 has q = 0 and scale 0; one that holds NaN or infinity has q = 0 and scale NaN.
float quantize_row(const float* x, int k, std::int8_t* q);

/// sum_i a[i] * b[i], exact: k <= 2^31 / 127^2.
std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, int k);

/// The int8 product's epilogue: float(sum) * (x_scale * w_scale).
float scaled(std::int32_t sum, float x_scale, float w_scale);

/// Attention of one query over positions [begin, end), all int8 [position, head_dim] with one scale a position. `scale` is
/// head_dim^-0.5 * log2(e): the softmax is taken in powers of 2.
///
/// Positions are taken in blocks of 256, aligned to absolute positions. In a block: s_t = float(q . k_t) * ((q_scale * scale) *
/// k_scale_t); m = max s; e_t = exp2(s_t - m); l = sum e_t in 16 lanes by t, folded as dot(); w_t = e_t * v_scale_t; p_t = w_t *
/// (32767 / max w) to the nearest even, an integer of 15 bits; o_i = float(sum_t p_t * v_ti) * (max w / 32767), the sum exact.
/// Blocks join in ascending order: M' = max(M, m), a = exp2(M - M'), b = exp2(m - M'), L = L * a + l * b, O = O * a + o * b. The
/// result is O / L. A block whose max w is below 1e-33 has o = 0: there the quotient would overflow. Scales of values are above.
void attention_int8(const std::int8_t* q, float q_scale, float scale, const std::int8_t* keys, const float* key_scales,
                    const std::int8_t* values, const float* value_scales, std::int64_t begin, std::int64_t end, int head_dim, float* out);

}  // namespace octet::kernels::reference

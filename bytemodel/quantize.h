// Rows of numbers as int8 with one scale a row, and the way back (FORMAT.md, "Storage"). Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "bytemodel/aligned_floats.h"
#include "bytemodel/result.h"

namespace octet::bytemodel {

inline constexpr int kMaxQuantized = 127;  // symmetric: -128 is not used

/// The greatest scale a row may have: every value q * scale is finite with it, and not with the next float.
inline constexpr float kMaxScale = std::numeric_limits<float>::max() / kMaxQuantized * (1 - std::numeric_limits<float>::epsilon());

struct QuantizedRows {
  std::vector<std::int8_t> values;  // [n_rows, n_cols], from -127 to 127
  std::vector<float> scales;        // [n_rows], from 0 to kMaxScale
};

/// values[n_rows, n_cols], row-major. A row's scale is max|row| / 127, or 0 where that is below the smallest normal float;
/// q = value / scale to the nearest, halves away from zero, so |value - q * scale| <= scale / 2. Fails with kInvalidArgument
/// and the place where a value is not finite. CHECKs that the rows are whole.
Result<QuantizedRows> quantize_rows(std::span<const float> values, std::size_t n_rows);

/// q * scale for values[n_rows, n_cols] and scales[n_rows], rounded once to f32. CHECKs that the rows are whole.
AlignedFloats widen_rows(std::span<const std::int8_t> values, std::span<const float> scales);

}  // namespace octet::bytemodel

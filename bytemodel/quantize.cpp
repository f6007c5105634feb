#include "bytemodel/quantize.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bytemodel/check.h"

namespace octet::bytemodel {

Result<QuantizedRows> quantize_rows(std::span<const float> values, std::size_t n_rows) {
  OCTET_CHECK(n_rows > 0 && values.size() % n_rows == 0);
  const std::size_t n_cols = values.size() / n_rows;
  QuantizedRows out;
  out.values.reserve(values.size());
  out.scales.reserve(n_rows);
  for (std::size_t row_idx = 0; row_idx < n_rows; ++row_idx) {
    const auto row = values.subspan(row_idx * n_cols, n_cols);
    float largest = 0;
    for (std::size_t i = 0; i < n_cols; ++i) {
      if (!std::isfinite(row[i])) {
        return fail(ErrorCode::kInvalidArgument, fmt::format("row {}, column {}: expected a finite number, found {}", row_idx, i, row[i]));
      }
      largest = std::max(largest, std::abs(row[i]));
    }
    float scale = std::min(largest / kMaxQuantized, kMaxScale);
    if (scale < std::numeric_limits<float>::min()) scale = 0;  // a subnormal scale has too few bits for the bound
    out.scales.push_back(scale);
    for (const float value : row) {
      // In double: the quotient of two floats near a half must not round before it is rounded.
      const double steps = scale == 0 ? 0 : std::round(static_cast<double>(value) / static_cast<double>(scale));
      out.values.push_back(static_cast<std::int8_t>(steps));
    }
  }
  return out;
}

AlignedFloats widen_rows(std::span<const std::int8_t> values, std::span<const float> scales) {
  OCTET_CHECK(!scales.empty() && values.size() % scales.size() == 0);
  const std::size_t n_cols = values.size() / scales.size();
  AlignedFloats out(values.size());
  for (std::size_t row_idx = 0; row_idx < scales.size(); ++row_idx) {
    for (std::size_t i = row_idx * n_cols; i < (row_idx + 1) * n_cols; ++i) out[i] = static_cast<float>(values[i]) * scales[row_idx];
  }
  return out;
}

}  // namespace octet::bytemodel

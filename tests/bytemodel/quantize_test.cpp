// Rounding a row to int8 and widening it again: how far a value may move, and the rows where that is hard.
#include "bytemodel/quantize.h"

#include <rapidcheck.h>

#include <bit>
#include <catch2/catch.hpp>
#include <cfloat>
#include <cmath>

namespace octet::tests {
namespace {

using bytemodel::kMaxScale;
using bytemodel::quantize_rows;
using bytemodel::QuantizedRows;
using bytemodel::widen_rows;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Any finite float, each exponent as often as another: zeros, subnormals and the greatest among them.
rc::Gen<float> floats() {
  return rc::gen::suchThat(rc::gen::map(rc::gen::resize(100, rc::gen::arbitrary<std::uint32_t>()),
                                        [](std::uint32_t bits) { return std::bit_cast<float>(bits); }),
                           [](float value) { return std::isfinite(value); });
}

/// Numbers of one size, as weights are.
rc::Gen<float> weights() {
  return rc::gen::map(rc::gen::inRange(-1000000, 1000001), [](int n) { return static_cast<float>(n) * 1e-7F; });
}

QuantizedRows quantize_row(const std::vector<float>& row) { return quantize_rows(row, 1).value(); }

}  // namespace

TEST_CASE("no value moves by more than half of its row's scale, and no row sees another") {
  CHECK(rc::check("|x - q * scale| <= scale / 2", [] {
    const auto n_rows = *rc::gen::inRange<std::size_t>(1, 6);
    const auto n_cols = *rc::gen::inRange<std::size_t>(1, 40);
    std::vector<float> values;
    for (std::size_t row = 0; row < n_rows; ++row) {
      const auto part = *rc::gen::container<std::vector<float>>(n_cols, *rc::gen::arbitrary<bool>() ? floats() : weights());
      values.insert(values.end(), part.begin(), part.end());
    }
    const auto quantized = quantize_rows(values, n_rows);
    RC_ASSERT(quantized.has_value());
    RC_ASSERT(quantized->values.size() == values.size());
    RC_ASSERT(quantized->scales.size() == n_rows);
    const auto widened = widen_rows(quantized->values, quantized->scales);
    RC_ASSERT(widened.size() == values.size());
    for (std::size_t row = 0; row < n_rows; ++row) {
      const std::span<const float> row_values = std::span(values).subspan(row * n_cols, n_cols);
      const float scale = quantized->scales[row];
      RC_ASSERT(scale >= 0);
      RC_ASSERT(scale <= kMaxScale);
      // A row that a normal scale cannot hold is a row of zeros: its values lie below 127 of the smallest normal floats.
      const double bound = scale == 0 ? 127.0 * FLT_MIN : 0.5 * static_cast<double>(scale);
      int largest = 0;
      for (std::size_t i = 0; i < n_cols; ++i) {
        const int q = quantized->values[row * n_cols + i];
        RC_ASSERT(q >= -127);
        largest = std::max(largest, std::abs(q));
        // The product of an int8 and a float is exact in double; a quotient within one part in 2^53 of a half may go either way.
        const double exact = q * static_cast<double>(scale);
        RC_ASSERT(std::abs(static_cast<double>(row_values[i]) - exact) <= bound * (1 + 1e-12));
        RC_ASSERT(widened[row * n_cols + i] == static_cast<float>(exact));
      }
      RC_ASSERT(largest == (scale == 0 ? 0 : 127));  // the whole range is used
      RC_ASSERT(quantize_row({row_values.begin(), row_values.end()}).scales[0] == scale);
    }
  }));
}

TEST_CASE("halves go away from zero, and the sign of a row changes nothing else") {
  const QuantizedRows rows =
      quantize_rows(std::vector<float>{127, 0.5F, 1.5F, -0.5F, -2.5F, 0.49F, -127, -0.5F, -1.5F, 0.5F, 2.5F, -0.49F}, 2).value();
  CHECK(rows.scales == std::vector<float>{1, 1});
  CHECK(rows.values == std::vector<std::int8_t>{127, 1, 2, -1, -3, 0, -127, -1, -2, 1, 3, 0});
}

TEST_CASE("rows of zeros and rows too small for a normal scale are zero") {
  for (const float value : {0.0F, -0.0F, FLT_TRUE_MIN, FLT_MIN, -100 * FLT_MIN}) {
    CAPTURE(value);
    const QuantizedRows row = quantize_row({value, 0.0F, value});
    CHECK(row.scales == std::vector<float>{0});
    CHECK(row.values == std::vector<std::int8_t>{0, 0, 0});
    CHECK(widen_rows(row.values, row.scales) == bytemodel::AlignedFloats{0, 0, 0});
  }
  CHECK(quantize_row({127 * FLT_MIN}).scales[0] == FLT_MIN);
}

TEST_CASE("the greatest floats stay finite") {
  const QuantizedRows row = quantize_row({FLT_MAX, -FLT_MAX, FLT_MAX / 2, 1.0F});
  CHECK(row.values == std::vector<std::int8_t>{127, -127, 64, 0});
  CHECK(row.scales == std::vector<float>{kMaxScale});
  for (const float value : widen_rows(row.values, row.scales)) CHECK(std::isfinite(value));
  CHECK(std::isinf(127 * std::nextafter(kMaxScale, kInfinity)));
}

TEST_CASE("a number that is not finite is refused with its place") {
  for (const float value : {kNan, -kNan, kInfinity, -kInfinity}) {
    std::vector<float> values(12, 1.0F);
    values[7] = value;
    const auto rows = quantize_rows(values, 3);
    REQUIRE_FALSE(rows.has_value());
    CHECK(rows.error().code == ErrorCode::kInvalidArgument);
    CHECK_THAT(rows.error().message, Catch::StartsWith("row 1, column 3: expected a finite number"));
  }
}

}  // namespace octet::tests

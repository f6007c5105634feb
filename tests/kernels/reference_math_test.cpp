// The elementary functions of kernels/reference against the C library in double precision.
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/reference/math.h"

namespace octet::tests {
namespace {

namespace reference = kernels::reference;

// One rounding of f32 is 6e-8; exp promises 2e-7 relative, the others inherit it as an absolute error.
constexpr double kExpTolerance = 2e-7;
constexpr double kTolerance = 2e-7;

double relative_error(float found, double expected) { return std::abs((static_cast<double>(found) - expected) / expected); }

/// Largest |found(x) - expected(x)| over a dense sample of [-limit, limit], relative to max(|expected|, floor).
template <class Found, class Expected>
double worst_error(Found found, Expected expected, float limit, double floor) {
  double worst = 0;
  constexpr int kSamples = 400000;
  for (int i = -kSamples; i <= kSamples; ++i) {
    const float x = limit * static_cast<float>(i) / static_cast<float>(kSamples);
    const double truth = expected(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(found(x)) - truth) / std::max(std::abs(truth), floor));
  }
  return worst;
}

}  // namespace

TEST_CASE("exp has the relative error that it promises over its whole range") {
  double worst = 0;
  constexpr int kSamples = 3500000;
  for (int i = 0; i <= kSamples; ++i) {
    const float x = -87.0F + 175.0F * static_cast<float>(i) / static_cast<float>(kSamples);
    worst = std::max(worst, relative_error(reference::exp(x), std::exp(static_cast<double>(x))));
  }
  CAPTURE(worst);
  CHECK(worst < kExpTolerance);
}

TEST_CASE("exp is exact at 0 and accurate around every power of two") {
  CHECK(reference::exp(0.0F) == 1.0F);
  CHECK(reference::exp(-0.0F) == 1.0F);
  CHECK(reference::exp(std::numeric_limits<float>::denorm_min()) == 1.0F);
  // Where the rounding to the nearest power of two changes over.
  for (int half = -251; half <= 252; ++half) {
    float x = static_cast<float>(half * 0.5 * std::log(2.0));
    for (int step = 0; step < 8; ++step) x = std::nextafter(x, -100.0F);
    for (int step = 0; step < 16; ++step, x = std::nextafter(x, 100.0F)) {
      if (x < -87.0F || x > 88.0F) continue;
      CAPTURE(x);
      CHECK(relative_error(reference::exp(x), std::exp(static_cast<double>(x))) < kExpTolerance);
    }
  }
}

TEST_CASE("exp is clamped beyond its range and stays finite and above zero") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float x : {-87.0F, -87.5F, -88.0F, -104.0F, -1000.0F, -3e38F, -infinity}) CHECK(reference::exp(x) == reference::exp(-87.0F));
  for (const float x : {88.0F, 88.5F, 89.0F, 1000.0F, 3e38F, infinity}) CHECK(reference::exp(x) == reference::exp(88.0F));
  CHECK(reference::exp(-87.0F) >= std::numeric_limits<float>::min());
  CHECK(std::isfinite(reference::exp(88.0F)));
  CHECK(std::isnan(reference::exp(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(reference::exp(-std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("exp2 of no number is none, whatever its bits") {
  // A CPU's NaNs, a GPU's, and others.
  for (const std::uint32_t bits : {0x7FC00000U, 0xFFC00000U, 0x7FFFFFFFU, 0xFFFFFFFFU, 0x7F800001U, 0x7FC00055U}) {
    CAPTURE(bits);
    CHECK(std::isnan(reference::exp2(std::bit_cast<float>(bits))));
  }
}

TEST_CASE("exp grows with its argument at steps larger than its error") {
  float before = reference::exp(-87.0F);
  for (int i = 1; i <= 175000; ++i) {
    const float now = reference::exp(-87.0F + static_cast<float>(i) * 1e-3F);
    if (!(now > before)) FAIL("not above its neighbour at step " << i);
    before = now;
  }
}

TEST_CASE("sigmoid, silu and tanh have the absolute error that they promise") {
  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  CHECK(worst_error([](float x) { return reference::sigmoid(x); }, sigmoid, 100.0F, 1.0) < kTolerance);
  CHECK(worst_error([](float x) { return reference::sigmoid(x); }, sigmoid, 10.0F, 1.0) < kTolerance);
  CHECK(worst_error([](float x) { return reference::tanh(x); }, [](double x) { return std::tanh(x); }, 100.0F, 1.0) < kTolerance);
  CHECK(worst_error([](float x) { return reference::tanh(x); }, [](double x) { return std::tanh(x); }, 3.0F, 1.0) < kTolerance);
  // silu is x times a sigmoid: absolute near 0, relative where it is large.
  const auto silu = [&](double x) { return x * sigmoid(x); };
  CHECK(worst_error([](float x) { return reference::silu(x); }, silu, 100.0F, 1.0) < 2 * kTolerance);
  CHECK(worst_error([](float x) { return reference::silu(x); }, silu, 5.0F, 1.0) < 2 * kTolerance);
}

TEST_CASE("sigmoid, silu and tanh keep their limits and their fixed points") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(reference::sigmoid(0.0F) == 0.5F);
  CHECK(reference::silu(0.0F) == 0.0F);
  CHECK(reference::tanh(0.0F) == 0.0F);
  for (const float x : {30.0F, 88.0F, 1e4F, 3e38F}) {
    CAPTURE(x);
    CHECK(reference::sigmoid(x) == 1.0F);
    CHECK(reference::silu(x) == x);
    CHECK(reference::tanh(x) == 1.0F);
    CHECK(reference::tanh(-x) == -1.0F);
    CHECK(reference::sigmoid(-x) >= 0.0F);
    CHECK(reference::sigmoid(-x) < 1e-12F);
  }
  CHECK(reference::tanh(infinity) == 1.0F);
  CHECK(reference::tanh(-infinity) == -1.0F);
  CHECK(reference::sigmoid(infinity) == 1.0F);
}

TEST_CASE("silu of a very negative number is close to zero") {
  // The clamp of exp keeps sigmoid a little above 0; x times that must not grow back to a number that counts.
  for (const float x : {-90.0F, -1e3F, -1e10F, -1e20F}) {
    CAPTURE(x);
    CHECK(std::abs(reference::silu(x)) < 1e-17F);
  }
}

}  // namespace octet::tests

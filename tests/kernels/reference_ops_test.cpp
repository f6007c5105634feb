// Each operation of kernels/reference against a plain computation in double precision. The bound of a sum is its length times
// one rounding of f32 (6e-8), relative to the sum of the magnitudes; other bounds stand where they are used.
#include <algorithm>
#include <array>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "kernels/reference/ops.h"
#include "tests/kernels/random_floats.h"

namespace octet::tests {
namespace {

namespace reference = kernels::reference;
using reference::AttentionShape;

constexpr double kRounding = 6e-8;
const float kNan = std::numeric_limits<float>::quiet_NaN();
const float kInfinity = std::numeric_limits<float>::infinity();

struct Sum {
  double value = 0;
  double magnitude = 0;
  void add(double term) {
    value += term;
    magnitude += std::abs(term);
  }
  bool agrees(float found, int n) const { return std::abs(found - value) <= (n + 2) * kRounding * magnitude; }
};

Sum exact_dot(const float* a, const float* b, int k) {
  Sum sum;
  for (int i = 0; i < k; ++i) sum.add(static_cast<double>(a[i]) * b[i]);
  return sum;
}

/// Softmax attention as a textbook has it.
std::vector<double> exact_attention(const std::vector<float>& q, const std::vector<float>& keys, const std::vector<float>& values,
                                    std::size_t begin, std::size_t end, AttentionShape shape) {
  const auto width = static_cast<std::size_t>(shape.head_dim);
  std::vector<double> out;
  for (int head = 0; head < shape.n_heads; ++head) {
    const auto kv_head = static_cast<std::size_t>(head / (shape.n_heads / shape.n_kv_heads));
    const auto at = [&](const std::vector<float>& rows, std::size_t t, std::size_t i) -> double {
      return rows[(t * static_cast<std::size_t>(shape.n_kv_heads) + kv_head) * width + i];
    };
    std::vector<double> weights;
    for (std::size_t t = begin; t < end; ++t) {
      double score = 0;
      for (std::size_t i = 0; i < width; ++i) score += q[static_cast<std::size_t>(head) * width + i] * at(keys, t, i);
      weights.push_back(score);
    }
    const double largest = *std::max_element(weights.begin(), weights.end());
    for (double& w : weights) w = std::exp(w - largest);
    const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < width; ++i) {
      double sum = 0;
      for (std::size_t t = begin; t < end; ++t) sum += weights[t - begin] / total * at(values, t, i);
      out.push_back(sum);
    }
  }
  return out;
}

/// std::vector<bool> has no array of bool inside.
class Mask {
 public:
  explicit Mask(std::size_t n, bool value = true) : allowed_(std::make_unique<bool[]>(n)) { std::fill_n(allowed_.get(), n, value); }
  bool& operator[](std::size_t i) { return allowed_[i]; }
  const bool* get() const { return allowed_.get(); }

 private:
  std::unique_ptr<bool[]> allowed_;
};

double norm(const std::vector<float>& x) {
  double sum = 0;
  for (const float value : x) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

/// `heads` turned to position `pos`.
std::vector<float> rotated(std::vector<float> heads, std::int64_t pos, int n_heads, double theta = 10000.0) {
  const int half = static_cast<int>(heads.size()) / n_heads / 2;
  std::vector<float> cosine(static_cast<std::size_t>(half));
  std::vector<float> sine(cosine.size());
  reference::rope_angles(pos, theta, half, cosine.data(), sine.data());
  reference::rope_rotate(heads.data(), cosine.data(), sine.data(), n_heads, half);
  return heads;
}

}  // namespace

TEST_CASE("dot is the sum of the products in the order that its comment states") {
  RandomFloats random(1);
  for (int k = 1; k <= 200; ++k) {
    const auto a = random.mixed(static_cast<std::size_t>(k));
    const auto b = random.mixed(static_cast<std::size_t>(k));
    const float found = reference::dot(a.data(), b.data(), k);
    CAPTURE(k);
    CHECK(exact_dot(a.data(), b.data(), k).agrees(found, k));
    float lanes[16] = {};
    for (int i = 0; i < k; ++i) {
      const float product = a[static_cast<std::size_t>(i)] * b[static_cast<std::size_t>(i)];
      lanes[i % 16] = lanes[i % 16] + product;
    }
    for (const int width : {8, 4, 2, 1}) {
      for (int j = 0; j < width; ++j) lanes[j] = lanes[j] + lanes[j + width];
    }
    CHECK(std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(lanes[0]));
  }
}

TEST_CASE("matmul is one dot for each pair of rows") {
  RandomFloats random(2);
  for (const auto& [m, n, k] : std::vector<std::array<int, 3>>{{1, 1, 1}, {2, 3, 5}, {4, 1, 16}, {1, 7, 33}, {9, 8, 192}}) {
    const auto x = random.normal(static_cast<std::size_t>(m * k));
    const auto w = random.normal(static_cast<std::size_t>(n * k));
    std::vector<float> y(static_cast<std::size_t>(m * n));
    reference::matmul(x.data(), w.data(), y.data(), m, n, k);
    for (int row = 0; row < m; ++row) {
      for (int col = 0; col < n; ++col) {
        CAPTURE(m, n, k, row, col);
        CHECK(exact_dot(x.data() + row * k, w.data() + col * k, k).agrees(y[static_cast<std::size_t>(row * n + col)], k));
      }
    }
  }
}

TEST_CASE("rms_norm divides each row by its root mean square, with and without a gain, in place or not") {
  RandomFloats random(3);
  const bool has_gain = GENERATE(false, true);
  const bool in_place = GENERATE(false, true);
  for (const std::size_t d : {1U, 2U, 15U, 16U, 17U, 64U, 192U}) {
    for (const float scale : {1.0F, 1e-4F, 1e6F}) {
      constexpr std::size_t kRows = 3;
      constexpr float kEps = 1e-5F;
      const auto x = random.normal(kRows * d, scale);
      const auto gain = random.normal(d);
      std::vector<float> y = in_place ? x : std::vector<float>(x.size(), kNan);
      reference::rms_norm(in_place ? y.data() : x.data(), has_gain ? gain.data() : nullptr, kEps, y.data(), kRows, static_cast<int>(d));
      for (std::size_t row = 0; row < kRows; ++row) {
        double squares = 0;
        for (std::size_t i = 0; i < d; ++i) squares += static_cast<double>(x[row * d + i]) * x[row * d + i];
        for (std::size_t i = 0; i < d; ++i) {
          const double expected = x[row * d + i] / std::sqrt(squares / static_cast<double>(d) + kEps) * (has_gain ? gain[i] : 1.0);
          CAPTURE(d, scale, row, i);
          CHECK(y[row * d + i] == Approx(expected).epsilon((static_cast<double>(d) + 6) * kRounding));
        }
      }
    }
  }
}

TEST_CASE("rms_norm of zeros is zeros") {
  std::vector<float> x(32, 0.0F);
  reference::rms_norm(x.data(), nullptr, 1e-5F, x.data(), 2, 16);
  CHECK(x == std::vector<float>(32, 0.0F));
}

TEST_CASE("the angles of RoPE are the position times falling powers of theta, exact far into a sequence") {
  for (const std::int64_t pos : {0, 1, 2, 63, 1024, 1 << 20}) {
    for (const double theta : {10000.0, 500000.0, 2.0}) {
      constexpr int kHalf = 32;
      float cosine[kHalf];
      float sine[kHalf];
      reference::rope_angles(pos, theta, kHalf, cosine, sine);
      for (int j = 0; j < kHalf; ++j) {
        const long double angle =
            static_cast<long double>(pos) * std::pow(static_cast<long double>(theta), -static_cast<long double>(j) / kHalf);
        CAPTURE(pos, theta, j);
        CHECK(cosine[j] == Approx(static_cast<double>(std::cos(angle))).margin(kRounding));
        CHECK(sine[j] == Approx(static_cast<double>(std::sin(angle))).margin(kRounding));
      }
    }
  }
}

TEST_CASE("rope_rotate turns halves against each other and keeps the norm of every head") {
  const float cosine[] = {0.0F, 1.0F};
  const float sine[] = {1.0F, 0.0F};
  float heads[] = {1, 2, 3, 4, 5, 6, 7, 8};
  reference::rope_rotate(heads, cosine, sine, 2, 2);
  CHECK(std::vector<float>(heads, heads + 8) == std::vector<float>{-3, 2, 1, 4, -7, 6, 5, 8});

  RandomFloats random(4);
  for (const int width : {2, 8, 64, 72}) {
    for (const std::int64_t pos : {0, 1, 17, 1023}) {
      const auto head = random.normal(static_cast<std::size_t>(width));
      CAPTURE(width, pos);
      CHECK(norm(rotated(head, pos, 1)) == Approx(norm(head)).epsilon(1e-6));
      if (pos == 0) CHECK(rotated(head, pos, 1) == head);
    }
  }
}

TEST_CASE("after RoPE the product of two heads depends on how far apart they are, not on where") {
  RandomFloats random(5);
  constexpr int kWidth = 64;
  for (const std::int64_t distance : {0, 1, 7, 100}) {
    const auto q = random.normal(kWidth);
    const auto k = random.normal(kWidth);
    const float at_start = reference::dot(rotated(q, distance, 1).data(), rotated(k, 0, 1).data(), kWidth);
    for (const std::int64_t pos : {1, 50, 900}) {
      const float further = reference::dot(rotated(q, pos + distance, 1).data(), rotated(k, pos, 1).data(), kWidth);
      CAPTURE(distance, pos);
      CHECK(further == Approx(at_start).margin(1e-5 * norm(q) * norm(k) / 8));
    }
    const float reversed = reference::dot(rotated(q, 0, 1).data(), rotated(k, distance + 3, 1).data(), kWidth);
    CHECK(std::abs(reversed - at_start) > 1e-4F);
  }
}

TEST_CASE("attention is a softmax over the window, heads sharing keys in groups") {
  RandomFloats random(6);
  for (const AttentionShape shape :
       {AttentionShape{1, 1, 2}, AttentionShape{2, 2, 16}, AttentionShape{3, 1, 64}, AttentionShape{6, 2, 20}, AttentionShape{4, 1, 17}}) {
    for (const auto& [begin, end] :
         std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}, {0, 2}, {0, 17}, {5, 6}, {3, 40}, {100, 400}}) {
      const auto q = random.normal(static_cast<std::size_t>(shape.n_heads * shape.head_dim), 0.5F);
      const std::size_t row = static_cast<std::size_t>(shape.n_kv_heads * shape.head_dim);
      auto keys = random.normal(end * row);
      auto values = random.normal(end * row);
      // What lies in front of the window must not be looked at.
      std::fill_n(keys.begin(), begin * row, kNan);
      std::fill_n(values.begin(), begin * row, kNan);
      std::vector<float> scores((end - begin + 15) / 16 * 16, kNan);
      std::vector<float> out(q.size(), kNan);
      reference::attention(q.data(), keys.data(), values.data(), static_cast<std::int64_t>(begin), static_cast<std::int64_t>(end), shape,
                           scores.data(), out.data());
      const auto expected = exact_attention(q, keys, values, begin, end, shape);
      for (std::size_t i = 0; i < out.size(); ++i) {
        CAPTURE(shape.n_heads, shape.n_kv_heads, shape.head_dim, begin, end, i);
        CHECK(out[i] == Approx(expected[i]).margin(1e-5));
      }
    }
  }
}

TEST_CASE("attention with huge scores picks the largest and never overflows") {
  const std::vector<float> q = {1.0F, 0.0F};
  const std::vector<float> keys = {-3e4F, 0, 3e4F, 0, 2.9e4F, 0};
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  std::vector<float> scores(16);
  std::vector<float> out(2);
  reference::attention(q.data(), keys.data(), values.data(), 0, 3, {1, 1, 2}, scores.data(), out.data());
  CHECK(out == std::vector<float>{3, 4});
}

TEST_CASE("swiglu gates element by element, also in place") {
  RandomFloats random(7);
  const auto gate = random.normal(100, 4.0F);
  const auto up = random.normal(100, 4.0F);
  std::vector<float> out(gate.size());
  reference::swiglu(gate.data(), up.data(), out.data(), out.size());
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double g = gate[i];
    CHECK(out[i] == Approx(g / (1.0 + std::exp(-g)) * up[i]).epsilon(1e-6).margin(1e-7));
  }
  std::vector<float> in_place = gate;
  reference::swiglu(in_place.data(), up.data(), in_place.data(), in_place.size());
  CHECK(in_place == out);
}

TEST_CASE("add and scale touch each element once") {
  std::vector<float> x = {1, -2, 0.5F};
  const std::vector<float> y = {0.25F, 2, -1};
  reference::add(x.data(), y.data(), 3);
  CHECK(x == std::vector<float>{1.25F, 0, -0.5F});
  reference::scale(x.data(), -2.0F, 3);
  CHECK(x == std::vector<float>{-2.5F, 0, 1});
}

TEST_CASE("cell_update halves the state and adds what the gate lets through") {
  RandomFloats random(8);
  constexpr std::size_t kSize = 77;
  const auto before = random.normal(kSize);
  const auto recur = random.normal(kSize);
  const auto z = random.normal(kSize);
  const auto embed = random.normal(kSize);
  const auto gate = random.normal(kSize, 3.0F);
  auto c = before;
  reference::cell_update(c.data(), recur.data(), z.data(), embed.data(), gate.data(), kSize);
  for (std::size_t i = 0; i < kSize; ++i) {
    const double sum = static_cast<double>(recur[i]) + z[i] + embed[i];
    CHECK(c[i] == Approx(before[i] / 2.0 + std::tanh(sum) / (1.0 + std::exp(-static_cast<double>(gate[i])))).margin(1e-6));
  }
}

TEST_CASE("masked_argmax takes the lowest index on a tie, never NaN, never what is not allowed") {
  const auto argmax = [](const std::vector<float>& x, const std::vector<int>& forbidden) {
    Mask mask(x.size());
    for (const int i : forbidden) mask[static_cast<std::size_t>(i)] = false;
    return reference::masked_argmax(x.data(), mask.get(), static_cast<int>(x.size()));
  };
  CHECK(argmax({1, 3, 3, 2}, {}) == 1);
  CHECK(argmax({1, 3, 3, 2}, {1}) == 2);
  CHECK(argmax({1, 3, 3, 2}, {1, 2}) == 3);
  CHECK(argmax({1, 3, 3, 2}, {0, 1, 2, 3}) == 4);
  CHECK(argmax({5, 5, 5}, {}) == 0);
  CHECK(argmax({-0.0F, 0.0F}, {}) == 0);
  CHECK(argmax({kNan, 1, kNan, 2, kNan}, {}) == 3);
  CHECK(argmax({kNan, kNan}, {}) == 2);
  CHECK(argmax({kNan, -kInfinity}, {}) == 1);
  CHECK(argmax({-kInfinity, -kInfinity}, {}) == 0);
  CHECK(argmax({1, kInfinity, kInfinity}, {}) == 1);
  CHECK(argmax({kNan, 7}, {1}) == 2);
  CHECK(argmax({-5}, {}) == 0);

  RandomFloats random(9);
  for (int round = 0; round < 500; ++round) {
    std::vector<float> x(256);
    Mask mask(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = random.below(20) == 0 ? kNan : static_cast<float>(random.below(30));  // many ties
      mask[i] = random.below(3) != 0;
    }
    int best = 256;
    for (int i = 255; i >= 0; --i) {
      const auto at = static_cast<std::size_t>(i);
      if (mask[at] && x[at] == x[at] && (best == 256 || x[at] >= x[static_cast<std::size_t>(best)])) best = i;
    }
    CHECK(reference::masked_argmax(x.data(), mask.get(), 256) == best);
  }
}

TEST_CASE("masked_softmax_at gives the share of each allowed entry, and they sum to 1") {
  RandomFloats random(10);
  for (const float scale : {0.0F, 1.0F, 10.0F}) {
    const auto x = random.normal(256, scale);
    Mask mask(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) mask[i] = random.below(4) != 0;
    double total = 0;
    for (std::size_t i = 0; i < x.size(); ++i) total += mask[i] ? std::exp(static_cast<double>(x[i])) : 0.0;
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!mask[i]) continue;
      const float share = reference::masked_softmax_at(x.data(), mask.get(), 256, static_cast<int>(i));
      sum += share;
      CHECK(share == Approx(std::exp(static_cast<double>(x[i])) / total).epsilon(2e-5));
    }
    CAPTURE(scale);
    CHECK(sum == Approx(1.0).epsilon(2e-5));
  }
  const float alone[] = {1.0F, 500.0F, -3.0F};
  Mask mask(3, false);
  mask[2] = true;
  CHECK(reference::masked_softmax_at(alone, mask.get(), 3, 2) == 1.0F);
}

}  // namespace octet::tests

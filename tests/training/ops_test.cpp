// The fused operations against their compositions, and the compositions' gradients against finite differences.
#include "tests/training/support/catch.h"

#include <functional>
#include <limits>

#include <torch/csrc/autograd/autograd.h>

#include "bytemodel/training/ops.h"
#include "kernels/training/training_kernels.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
using torch::Tensor;
using Inputs = std::vector<Tensor>;
using Operation = std::function<Tensor(const Inputs&)>;

constexpr double kTolerance = 2e-6;  // float, sums of at most a few hundred terms

Tensor leaf(std::vector<std::int64_t> shape, torch::Dtype type = torch::kFloat) {
  return torch::randn(shape, torch::TensorOptions(type)).requires_grad_();
}

/// The gradients of sum(op(inputs) * direction).
Inputs gradients(const Operation& op, const Inputs& inputs, const Tensor& direction) {
  return torch::autograd::grad({(op(inputs) * direction).sum()}, inputs);
}

void check_same(const Operation& fused, const Operation& composed, const Inputs& inputs, double tolerance = kTolerance) {
  const Tensor expected = composed(inputs);
  const Tensor result = fused(inputs);
  CHECK(result.scalar_type() == expected.scalar_type());
  CHECK(relative_distance(result, expected) < tolerance);
  const Tensor direction = torch::randn_like(expected);
  const Inputs found = gradients(fused, inputs, direction);
  const Inputs wanted = gradients(composed, inputs, direction);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    CHECK(found[i].scalar_type() == wanted[i].scalar_type());
    CHECK(relative_distance(found[i], wanted[i]) < tolerance);
  }
}

/// Central differences along a random direction, in double.
void check_derivative(const Operation& op, const Inputs& inputs) {
  const Tensor weights = torch::randn_like(op(inputs));
  const Inputs grads = gradients(op, inputs, weights);
  constexpr double kStep = 1e-6;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CAPTURE(i);
    const Tensor direction = torch::randn_like(inputs[i]);
    const auto value_at = [&](double step) {
      const torch::NoGradGuard no_gradients;
      Inputs moved = inputs;
      moved[i] = inputs[i] + direction * step;
      return (op(moved) * weights).sum().item<double>();
    };
    const double expected = (value_at(kStep) - value_at(-kStep)) / (2 * kStep);
    CHECK((grads[i] * direction).sum().item<double>() == Approx(expected).epsilon(1e-6).margin(1e-8));
  }
}

}  // namespace

TEST_CASE("RMSNorm equals its composition, forward and backward") {
  torch::manual_seed(1);
  for (const std::int64_t d : {8, 16, 24, 192}) {
    CAPTURE(d);
    check_same([](const Inputs& x) { return rms_norm(x[0], x[1], 1e-5, x[0].scalar_type()); },
               [](const Inputs& x) { return composed::rms_norm(x[0], x[1], 1e-5, x[0].scalar_type()); }, {leaf({7, d}), leaf({d})});
  }
}

TEST_CASE("norm and rotation of attention heads equal their composition, forward and backward") {
  torch::manual_seed(2);
  for (const int head_dim : {16, 32, 64, 128}) {
    CAPTURE(head_dim);
    const RopeTable rope = make_rope_table(64, head_dim, 10000, torch::TensorOptions(torch::kFloat));
    check_same([&](const Inputs& x) { return norm_rope(x[0], x[1], rope, 0.125, 1e-5); },
               [&](const Inputs& x) { return composed::norm_rope(x[0], x[1], rope, 0.125, 1e-5); },
               {leaf({128, 3 * head_dim}), leaf({head_dim})});
  }
}

TEST_CASE("SwiGLU equals its composition, forward and backward") {
  torch::manual_seed(3);
  check_same([](const Inputs& x) { return swiglu(x[0] * 5, x[1]); }, [](const Inputs& x) { return composed::swiglu(x[0] * 5, x[1]); },
             {leaf({9, 32}), leaf({9, 32})});
}

TEST_CASE("attention equals its composition for every window, forward and backward") {
  torch::manual_seed(4);
  const int window = GENERATE(0, 2, 15, 16, 17, 63, 64, 65, 100, 128, 500);
  const int n_kv_heads = GENERATE(1, 2, 4);
  const int head_dim = GENERATE(32, 64);
  CAPTURE(window, n_kv_heads, head_dim);
  const AttentionShape shape{192, 4, n_kv_heads, head_dim, window};
  check_same([&](const Inputs& x) { return attention(x[0], x[1], x[2], shape); },
             [&](const Inputs& x) { return composed::attention(x[0], x[1], x[2], shape); },
             {leaf({2 * 192, 4 * head_dim}), leaf({2 * 192, n_kv_heads * head_dim}), leaf({2 * 192, n_kv_heads * head_dim})});
}

TEST_CASE("in bfloat16 the fused operations equal their compositions up to its rounding") {
  torch::manual_seed(10);
  constexpr double kRounding = 0x1p-8;  // of one number; a composition rounds at several places
  const auto half = [](std::vector<std::int64_t> shape) { return leaf(std::move(shape), torch::kBFloat16); };
  const RopeTable rope = make_rope_table(64, 32, 10000, torch::TensorOptions(torch::kFloat));
  check_same([](const Inputs& x) { return rms_norm(x[0], x[1], 1e-5, torch::kBFloat16); },
             [](const Inputs& x) { return composed::rms_norm(x[0], x[1], 1e-5, torch::kBFloat16); }, {leaf({7, 48}), leaf({48})},
             kRounding);
  check_same([&](const Inputs& x) { return norm_rope(x[0], x[1], rope, 0.125, 1e-5); },
             [&](const Inputs& x) { return composed::norm_rope(x[0], x[1], rope, 0.125, 1e-5); }, {half({128, 96}), leaf({32})}, kRounding);
  check_same([](const Inputs& x) { return swiglu(x[0], x[1]); }, [](const Inputs& x) { return composed::swiglu(x[0], x[1]); },
             {half({9, 32}), half({9, 32})}, 2 * kRounding);
  const auto product = [](const Inputs& x) { return linear(x[0], x[1], x[1].detach().to(torch::kBFloat16)); };
  const auto wide = [](const Inputs& x) { return torch::linear(x[0].to(torch::kFloat), x[1]).to(torch::kBFloat16); };
  // Without AVX-512, LibTorch's own product of bfloat16 rounds parts of its sums too: 0.0093 was seen.
  check_same(product, wide, {half({40, 24}), leaf({56, 24})}, 3 * kRounding);
}

TEST_CASE("attention on bfloat16 equals the composition in float on the same numbers, forward and backward") {
  torch::manual_seed(11);
  const int window = GENERATE(0, 2, 15, 16, 17, 63, 64, 65, 100, 128, 500);
  const int n_kv_heads = GENERATE(1, 2, 4);
  const int head_dim = GENERATE(32, 64);
  CAPTURE(window, n_kv_heads, head_dim);
  // Each number is rounded by at most 2^-9 of itself: as a probability or its gradient, as the output that delta is made of, and
  // as a result. Found is up to 0.0041, a little over 2^-8; one key too many in a window costs at least 0.024.
  constexpr double kPairTolerance = 0x1p-7;
  constexpr double kScale = 0.125;  // as in the network: where one key takes all, gradients of scores are differences of equals
  const AttentionShape shape{192, 4, n_kv_heads, head_dim, window};
  const auto half = [](std::int64_t width) { return leaf({2 * 192, width}, torch::kBFloat16); };
  check_same([&](const Inputs& x) { return attention(x[0] * kScale, x[1], x[2], shape); },
             [&](const Inputs& x) { return composed::attention(x[0] * kScale, x[1], x[2], shape); },
             {half(4 * head_dim), half(n_kv_heads * head_dim), half(n_kv_heads * head_dim)}, kPairTolerance);
}

TEST_CASE("a query that sees itself alone copies its value and teaches queries and keys nothing") {
  torch::manual_seed(9);
  const AttentionShape shape{64, 1, 1, 32, 1};
  const Inputs inputs{leaf({64, 32}), leaf({64, 32}), leaf({64, 32})};
  const Operation op = [&](const Inputs& x) { return attention(x[0], x[1], x[2], shape); };
  CHECK(relative_distance(op(inputs), inputs[2]) < kTolerance);
  const Inputs found = gradients(op, inputs, torch::ones({64, 32}));
  CHECK(found[0].abs().max().item<float>() < 1e-5F);
  CHECK(found[1].abs().max().item<float>() < 1e-5F);
  CHECK(relative_distance(found[2], torch::ones({64, 32})) < kTolerance);
}

TEST_CASE("large scores do not overflow the fused attention") {
  torch::manual_seed(5);
  const AttentionShape shape{64, 1, 1, 32, 0};
  const Tensor q = leaf({64, 32}).detach() * 100;
  const Tensor k = leaf({64, 32}).detach() * 100;
  const Tensor v = leaf({64, 32}).detach();
  const Tensor found = attention(q, k, v, shape);
  CHECK(torch::isfinite(found).all().item<bool>());
  CHECK(relative_distance(found, composed::attention(q, k, v, shape)) < 1e-4);
  const auto half = [](const Tensor& x) { return x.to(torch::kBFloat16); };
  CHECK(torch::isfinite(attention(half(q), half(k), half(v), shape)).all().item<bool>());
}

TEST_CASE("shapes that the kernels do not take are composed") {
  torch::manual_seed(6);
  const AttentionShape shape{10, 2, 1, 4, 3};
  const Tensor q = leaf({10, 8});
  const Tensor kv = leaf({10, 4});
  CHECK(attention(q, kv, kv, shape).equal(composed::attention(q, kv, kv, shape)));
  CHECK(rms_norm(leaf({2, 5}), torch::ones({5}), 1e-5, torch::kFloat).sizes() == torch::IntArrayRef({2, 5}));
}

TEST_CASE("gradients of the compositions are finite differences") {
  torch::manual_seed(7);
  const torch::Dtype type = torch::kDouble;
  const RopeTable rope = make_rope_table(8, 4, 100, torch::TensorOptions(type));
  const AttentionShape shape{8, 2, 1, 4, 3};
  check_derivative([](const Inputs& x) { return composed::rms_norm(x[0], x[1], 1e-5, x[0].scalar_type()); },
                   {leaf({3, 6}, type), leaf({6}, type)});
  check_derivative([&](const Inputs& x) { return composed::norm_rope(x[0], x[1], rope, 0.5, 1e-5); },
                   {leaf({16, 8}, type), leaf({4}, type)});
  check_derivative([](const Inputs& x) { return composed::swiglu(x[0], x[1]); }, {leaf({3, 6}, type), leaf({3, 6}, type)});
  check_derivative([&](const Inputs& x) { return composed::attention(x[0], x[1], x[2], shape); },
                   {leaf({16, 8}, type), leaf({16, 4}, type), leaf({16, 4}, type)});
}

TEST_CASE("every instruction set computes the same attention up to rounding, forward and backward") {
  torch::manual_seed(8);
  const kernels::TrainingAttentionShape shape{256, 2, 1, 32, GENERATE(0, 70)};
  const auto all_of = [&]<typename E>(const kernels::TypedTrainingKernels<E>& of, torch::Dtype type) {
    torch::manual_seed(12);
    const auto numbers = [](const Tensor& x) { return static_cast<E*>(x.data_ptr()); };
    const auto random = [type](std::int64_t width) { return torch::randn({256, width}).to(type); };
    const Tensor q = random(64), k = random(32), v = random(32), grad_out = random(64);
    const Tensor out = torch::empty_like(q), grad_q = torch::empty_like(q), grad_k = torch::empty_like(k), grad_v = torch::empty_like(v);
    const Tensor log_sum = torch::empty({2, 256});
    // What scratch holds must not matter.
    const std::int64_t n_scratch = kernels::attention_scratch_floats(shape);
    const Tensor scratch = torch::full({n_scratch + 4096}, std::numeric_limits<float>::quiet_NaN());
    of.attention(numbers(q), numbers(k), numbers(v), numbers(out), log_sum.data_ptr<float>(), shape, scratch.data_ptr<float>());
    of.attention_backward(numbers(q), numbers(k), numbers(v), numbers(out), log_sum.data_ptr<float>(), numbers(grad_out), numbers(grad_q),
                          numbers(grad_k), numbers(grad_v), shape, scratch.data_ptr<float>());
    CHECK(torch::isnan(scratch.slice(0, n_scratch)).all().item<bool>());
    return Inputs{out, log_sum, grad_q, grad_k, grad_v};
  };
  const auto check_near = [](const Inputs& found, const Inputs& first, double tolerance) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      CAPTURE(i);
      CHECK(relative_distance(found[i], first[i]) < tolerance);
    }
  };
  const kernels::TrainingKernels& best = *kernels::supported_training_kernels().front();
  const Inputs first = all_of(best.f32, torch::kFloat);
  const Inputs first_rough = all_of(best.bf16, torch::kBFloat16);
  for (const kernels::TrainingKernels* table : kernels::supported_training_kernels()) {
    CAPTURE(table->isa);
    check_near(all_of(table->f32, torch::kFloat), first, kTolerance);
    // Sums in another order round to another bfloat16 now and then: 2^-8 of one number in tens.
    check_near(all_of(table->bf16, torch::kBFloat16), first_rough, 0x1p-10);
  }
}

TEST_CASE("every instruction set computes the same cross-entropy up to rounding") {
  torch::manual_seed(8);
  const Tensor logits = torch::randn({5, 256}) * 3;
  const std::int16_t targets[] = {0, 255, -1, 17, 96};
  Tensor first_gradient;
  for (const kernels::TrainingKernels* table : kernels::supported_training_kernels()) {
    CAPTURE(table->isa);
    Tensor gradient = logits.clone();
    const double nats = table->f32.cross_entropy(gradient.data_ptr<float>(), 256, targets, 0.5F, 5);
    Tensor rough = logits.to(torch::kBFloat16);
    const double rough_nats = table->bf16.cross_entropy(static_cast<kernels::Bf16*>(rough.data_ptr()), 256, targets, 0.5F, 5);
    const Tensor known = torch::tensor({0L, 255L, 17L, 96L});
    const Tensor rows = logits.index_select(0, torch::tensor({0L, 1L, 3L, 4L}));
    CHECK(nats == Approx(-torch::log_softmax(rows, 1).gather(1, known.unsqueeze(1)).sum().item<double>()).epsilon(1e-5));
    CHECK(gradient[2].abs().max().item<float>() == 0);
    CHECK(rough_nats == Approx(nats).epsilon(0.01));
    CHECK(relative_distance(rough, gradient) < 0.01);
    if (!first_gradient.defined()) first_gradient = gradient;
    CHECK(relative_distance(gradient, first_gradient) < kTolerance);
  }
}

}  // namespace octet::tests

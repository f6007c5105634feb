#include "tests/training/support/catch.h"

#include <torch/csrc/autograd/autograd.h>

#include "bytemodel/control_bytes.h"
#include "bytemodel/training/heads_loss.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
using torch::Tensor;

}  // namespace

TEST_CASE("targets are the bytes ahead, and none behind the end or for padding") {
  const Tensor x = torch::tensor({{10, 20, 30, static_cast<int>(kPad)}, {1, 2, 3, 4}}).to(torch::kUInt8);
  const Tensor targets = head_targets(x, 3);
  CHECK(targets[0].equal(torch::tensor({20, 30, -1, -1, 2, 3, 4, -1}).to(torch::kInt16)));
  CHECK(targets[1].equal(torch::tensor({30, -1, -1, -1, 3, 4, -1, -1}).to(torch::kInt16)));
  CHECK(targets[2].equal(torch::tensor({-1, -1, -1, -1, 4, -1, -1, -1}).to(torch::kInt16)));
}

TEST_CASE("the loss over all heads equals its composition, with gradients, for every kind of weights") {
  torch::manual_seed(1);
  const HeadWeights weights =
      GENERATE(HeadWeights{{1, 1, 1}, {1, 1, 1}}, HeadWeights{{1, 1, 1}, {1, 0.25, 0.125}}, HeadWeights{{1, 1, 1}, {1, 0, 0}},
               HeadWeights{{1, 1, 0}, {1, 0.5, 0}}, HeadWeights{{1, 0, 0}, {1, 0, 0}}, HeadWeights{{0, 1, 1}, {0, 0, 0}});
  const std::int64_t n_positions = GENERATE(2, 64, 300);

  const bool is_bf16 = GENERATE(false, true);
  const double tolerance = is_bf16 ? 0.02 : 1e-5;  // logits of up to 20 keep eight bits
  CAPTURE(weights.own, weights.trunk, n_positions, is_bf16);
  const Tensor g = torch::randn({2 * n_positions, 32}).to(is_bf16 ? torch::kBFloat16 : torch::kFloat).requires_grad_();
  const Tensor unembed = torch::randn({3, 256, 32}).requires_grad_();
  const Tensor cast = unembed.detach().to(torch::kBFloat16);
  const Tensor targets = head_targets(torch::randint(0, 251, {2, n_positions}).to(torch::kUInt8), 3);
  HeadSums found(3);
  HeadSums expected(3);
  const Tensor loss = heads_loss(g, unembed, cast, targets, weights, 100, found);
  const Tensor composed_loss = composed::heads_loss(g.to(torch::kFloat), unembed, Tensor(), targets, weights, 100, expected);
  CHECK(loss.item<double>() == Approx(composed_loss.item<double>()).epsilon(tolerance).margin(1e-6));
  for (std::size_t head = 0; head < 3; ++head) {
    if (weights.own[head] == 0) continue;
    CHECK(found.nats[head] == Approx(expected.nats[head]).epsilon(tolerance));
    CHECK(found.n_bytes[head] == expected.n_bytes[head]);
  }
  const auto grads = torch::autograd::grad({loss}, {g, unembed});
  const auto wanted = torch::autograd::grad({composed_loss}, {g, unembed}, {}, {}, false, /*allow_unused=*/true);
  const auto near = [tolerance](const Tensor& a, const Tensor& b) {
    return b.defined() && b.abs().max().item<double>() > 0 ? relative_distance(a, b) < tolerance : a.abs().max().item<double>() == 0;
  };
  CHECK(near(grads[0], wanted[0]));
  CHECK(near(grads[1], wanted[1]));
}

TEST_CASE("without gradients every head is scored") {
  torch::manual_seed(2);
  const torch::NoGradGuard no_gradients;
  const Tensor targets = head_targets(torch::randint(0, 251, {1, 50}).to(torch::kUInt8), 2);
  HeadSums sums(2);
  heads_loss(torch::randn({50, 16}), torch::zeros({2, 256, 16}), Tensor(), targets, {{1, 1}, {1, 1}}, 1, sums);
  CHECK(sums.bits_per_byte(0) == Approx(8));
  CHECK(sums.bits_per_byte(1) == Approx(8));
  CHECK(sums.n_bytes[0] == 49);
  CHECK(sums.n_bytes[1] == 48);
}

}  // namespace octet::tests

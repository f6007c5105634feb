// The network against the golden vectors of the independent implementation, and its gradients against differences.

#include "tests/training/support/catch.h"

#include "bytemodel/training/network.h"
#include "tests/support/golden.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
using torch::Tensor;

Tensor as_bytes(std::vector<std::uint8_t> bytes) { return torch::tensor(at::ArrayRef<std::uint8_t>(bytes), torch::kUInt8).unsqueeze(0); }

double total_nats(const Network& network, const Tensor& x) {
  HeadSums sums(network.config().n_predict);
  network.evaluate(x, sums);
  double total = 0;
  for (const double nats : sums.nats) total += nats;
  return total;
}

}  // namespace

TEST_CASE("hidden states, logits of every head and bits per byte agree with the golden vectors") {
  const std::string name = GENERATE("seed", "tiny-linear", "tiny-transformer");
  const Network network = Network::from_file(load_model(name), torch::kCPU);
  const torch::NoGradGuard no_gradients;
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name);
    const Tensor x = as_bytes(golden.prompt);
    const Tensor h = network.trunk(x);
    CHECK(relative_distance(golden.hidden_last, h[-1].contiguous().data_ptr<float>()) < 1e-4);
    for (int head = 0; head < network.config().n_predict; ++head) {
      const Tensor logits = torch::linear(network.head_input(h, head, x.size(1))[-1], network.parameter("unembed")[head]);
      CHECK(relative_distance(golden.head_logits_last[static_cast<std::size_t>(head)], logits.contiguous().data_ptr<float>()) < 1e-4);
    }
    HeadSums sums(network.config().n_predict);
    network.evaluate(x, sums);
    CHECK(sums.bits_per_byte(0) == Approx(golden.bits_per_byte).epsilon(1e-5));
  }
}

TEST_CASE("the gradient of the whole network is the slope of its loss") {
  const std::string name = GENERATE("tiny-linear", "tiny-transformer");
  Network network = Network::from_file(load_model(name), torch::kCPU);
  const int n_predict = network.config().n_predict;
  torch::manual_seed(1);
  const Tensor x = torch::randint(0, 251, {1, 64}).to(torch::kUInt8);  // whole blocks: the fused attention is what is tested
  const std::vector<double> ones(static_cast<std::size_t>(n_predict), 1.0);
  HeadSums sums(n_predict);
  network.accumulate_gradients(x, {ones, ones}, 1, sums);
  const torch::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    const Parameter& p = network.parameters()[i];
    CAPTURE(name, p.name);
    const Tensor gradient = network.gradient(i);
    if (p.name.starts_with("cell.")) {
      CHECK_FALSE(gradient.defined());
      continue;
    }
    REQUIRE(gradient.defined());
    // Along the gradient itself the slope is its norm; the step changes the loss by about 0.2 nats.
    const double norm = gradient.norm().item<double>();
    REQUIRE(norm > 0);
    const Tensor direction = gradient / norm;
    const double step = std::min(0.1 / norm, 1e-2 * p.value.norm().item<double>());
    const Tensor before = p.value.clone();
    p.value.detach().add_(direction, step);
    const double above = total_nats(network, x);
    p.value.detach().copy_(before - direction * step);
    const double below = total_nats(network, x);
    p.value.detach().copy_(before);
    CHECK((above - below) / (2 * step) == Approx(norm).epsilon(0.02));
  }
}

TEST_CASE("bfloat16 products change gradients by their rounding and nothing else") {
  const std::string name = GENERATE("tiny-linear", "tiny-transformer");
  Network exact = Network::from_file(load_model(name), torch::kCPU);
  Network rough = exact.replica();
  rough.compute_in(Precision::kBf16);
  const std::vector<double> ones(static_cast<std::size_t>(exact.config().n_predict), 1.0);
  torch::manual_seed(1);
  const Tensor x = torch::randint(0, 251, {1, 128}).to(torch::kUInt8);
  HeadSums expected(exact.config().n_predict);
  HeadSums found(exact.config().n_predict);
  exact.accumulate_gradients(x, {ones, ones}, 1, expected);
  rough.accumulate_gradients(x, {ones, ones}, 1, found);
  CHECK(found.bits_per_byte(0) == Approx(expected.bits_per_byte(0)).epsilon(0.01));
  for (std::size_t i = 0; i < exact.parameters().size(); ++i) {
    CAPTURE(name, exact.parameters()[i].name);
    REQUIRE(rough.gradient(i).defined() == exact.gradient(i).defined());
    if (!exact.gradient(i).defined()) continue;
    CHECK(rough.gradient(i).scalar_type() == torch::kFloat);
    CHECK(relative_distance(rough.gradient(i), exact.gradient(i)) < 0.08);  // 0.06 without AVX-512, where sums round as well
  }
}

TEST_CASE("a replica shares values and keeps gradients of its own") {
  Network network = Network::random(tiny_options().model, 1, torch::kCPU);
  Network replica = network.replica();
  const Tensor x = torch::randint(0, 256, {1, 128}).to(torch::kUInt8);
  HeadSums sums(4);
  replica.accumulate_gradients(x, {{1, 1, 1, 1}, {1, 1, 1, 1}}, 1, sums);
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    CHECK(network.parameters()[i].value.data_ptr() == replica.parameters()[i].value.data_ptr());
    const Tensor own = network.gradient(i);
    CHECK((!own.defined() || own.abs().max().item<float>() == 0));
  }
  // Projections into the residual stream start at 0, so at first only the unembedding learns.
  CHECK(replica.gradient(replica.parameters().size() - 1).norm().item<float>() > 0);
  replica.clear_gradients();
  CHECK_FALSE(replica.gradient(replica.parameters().size() - 1).defined());
}

TEST_CASE("gradients add up over passes") {
  Network network = Network::from_file(load_model("tiny-linear"), torch::kCPU);
  const HeadWeights weights{std::vector<double>(static_cast<std::size_t>(network.config().n_predict), 1.0),
                            std::vector<double>(static_cast<std::size_t>(network.config().n_predict), 1.0)};
  const Tensor x = torch::randint(0, 256, {1, 64}).to(torch::kUInt8);
  HeadSums sums(network.config().n_predict);
  network.accumulate_gradients(x, weights, 1, sums);
  std::vector<Tensor> once;
  for (std::size_t i = 0; i < network.parameters().size(); ++i) {
    once.push_back(network.gradient(i).defined() ? network.gradient(i).clone() : Tensor());
  }
  network.accumulate_gradients(x, weights, 1, sums);
  for (std::size_t i = 0; i < once.size(); ++i) {
    CAPTURE(network.parameters()[i].name);
    if (once[i].defined()) CHECK(relative_distance(network.gradient(i), once[i] * 2) < 1e-6);
  }
}

}  // namespace octet::tests

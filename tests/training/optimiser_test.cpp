#include "tests/training/support/catch.h"

#include <torch/linalg.h>

#include "bytemodel/training/optimiser.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {

using namespace bytemodel::training;
using torch::Tensor;

TEST_CASE("orthogonalised matrices have singular values near 1 and keep their directions") {
  torch::manual_seed(1);
  const Precision precision = GENERATE(Precision::kF32, Precision::kBf16);
  for (const auto& [rows, columns] : {std::pair{32, 32}, std::pair{64, 16}, std::pair{16, 64}}) {
    CAPTURE(rows, columns, name(precision));
    const Tensor matrix = torch::randn({rows, columns});
    const Tensor found = orthogonalise(matrix, precision);
    CHECK(found.sizes() == matrix.sizes());
    const Tensor values = torch::linalg_svdvals(found);
    CHECK(values.max().item<float>() < 1.3F);
    CHECK(values.median().item<float>() > 0.6F);
    const auto [u, s, v] = torch::linalg_svd(matrix, /*full_matrices=*/false, c10::nullopt);
    CHECK((found * torch::mm(u, v)).sum().item<float>() > 0.7F * static_cast<float>(std::min(rows, columns)));
  }
}

TEST_CASE("a step does not depend on how many workers take it") {
  const auto values_after = [](int n_workers) {
    Network network = Network::random(tiny_options().model, 1, torch::kCPU);
    Optimiser optimiser(network, {}, Precision::kF32);
    const WorkerTeam team(n_workers);
    torch::manual_seed(2);
    const Tensor x = torch::randint(0, 256, {1, 128}).to(torch::kUInt8);
    for (int step = 0; step < 3; ++step) {
      HeadSums sums(4);
      network.clear_gradients();
      network.accumulate_gradients(x, {{1, 1, 1, 1}, {1, 1, 1, 1}}, 128, sums);
      optimiser.step(network, 1, team);
    }
    std::vector<Tensor> values;
    for (const Parameter& p : network.parameters()) values.push_back(p.value.detach());
    return values;
  };
  const std::vector<Tensor> one = values_after(1);
  const std::vector<Tensor> three = values_after(3);
  for (std::size_t i = 0; i < one.size(); ++i) CHECK(one[i].equal(three[i]));
}

}  // namespace octet::tests

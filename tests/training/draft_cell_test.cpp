
#include "tests/training/support/catch.h"

#include "bytemodel/training/draft_cell.h"
#include "bytemodel/training/optimiser.h"
#include "tests/support/golden.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {

using namespace bytemodel::training;
using torch::Tensor;

TEST_CASE("the cell's chain of proposals is the golden one") {
  const std::string name = GENERATE("seed", "tiny-linear");
  const Network network = Network::from_file(load_model(name), torch::kCPU);
  if (network.config().cell_dim == 0) return;
  const torch::NoGradGuard no_gradients;
  for (const GoldenCase& golden : load_golden(name)) {
    CAPTURE(name, golden.name);
    std::vector<std::uint8_t> bytes = golden.prompt;
    const auto as_tensor = [&bytes] { return torch::tensor(at::ArrayRef<std::uint8_t>(bytes), torch::kUInt8).unsqueeze(0); };
    const Tensor h = network.trunk(as_tensor());
    const Tensor g = network.head_input(h, 0, static_cast<std::int64_t>(bytes.size())).slice(0, -1);
    DraftCell cell(network, g);
    Tensor logits;
    for (std::size_t i = 1; i < golden.draft.size(); ++i) {
      bytes.push_back(golden.draft[i - 1]);
      logits = torch::linear(g, network.parameter("unembed")[static_cast<std::int64_t>(i)]) +
               cell.advance(network.input_vectors(as_tensor()).slice(0, -1));
      CHECK(logits.argmax().item<std::int64_t>() == golden.draft[i]);
    }
    CHECK(relative_distance(golden.draft_logits_last, logits.contiguous().data_ptr<float>()) < 1e-4);
  }
}

TEST_CASE("training the cell leaves the trunk alone and helps the later heads") {
  TrainOptions options = tiny_options();
  options.model.cell_dim = 16;
  Network network = Network::random(options.model, 1, torch::kCPU);
  network.train_only("cell.");
  std::vector<Tensor> before;
  for (const Parameter& p : network.parameters()) before.push_back(p.value.detach().clone());
  std::string text;
  while (text.size() < 128) text += "abcdefg ";
  const Tensor x = torch::from_blob(text.data(), {1, 128}, torch::kUInt8);
  const WorkerTeam team(1);
  Optimiser optimiser(network, {}, Precision::kF32);
  HeadSums first(4);
  HeadSums last(4);
  for (int step = 0; step < 120; ++step) {
    network.clear_gradients();
    HeadSums sums(4);
    accumulate_cell_gradients(network, x, 1, 300, sums);
    optimiser.step(network, 1, team);
    (step == 0 ? first : last) = sums;
  }
  CHECK(last.bits_per_byte(1) < first.bits_per_byte(1) / 2);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const Parameter& p = network.parameters()[i];
    CAPTURE(p.name);
    CHECK(p.value.equal(before[i]) == !p.name.starts_with("cell."));
  }
}

}  // namespace octet::tests

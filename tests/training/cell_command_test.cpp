// The verb that trains a draft cell on a finished model.
#include "tests/training/support/catch.h"

#include "bytemodel/training/commands/commands.h"
#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/network.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {

using namespace bytemodel::training;

TEST_CASE("a cell is trained by several workers and the model around it stays as it was") {
  const TemporaryFolder folder;
  const TrainOptions options = tiny_options();
  write_tiny_corpus(folder.path() / "corpus" / "train", options.data);
  const Network before = Network::random(options.model, 1, torch::kCPU);
  CellCommand command;
  command.compute.corpus = folder.path() / "corpus";
  command.compute.n_workers = 2;
  command.model = folder.path() / "model.safetensors";
  command.output = folder.path() / "with-cell.safetensors";
  command.cell_dim = 16;
  command.megabytes = 0.004;  // four steps
  REQUIRE(write_network(before, command.model, "model", bytemodel::WeightType::kF32));
  REQUIRE(run_cell(command, {}) == 0);
  const auto file = bytemodel::ModelFile::read(command.output);
  REQUIRE(file);
  CHECK(file->config().cell_dim == 16);
  const Network after = Network::from_file(*file, torch::kCPU);
  for (const Parameter& p : before.parameters()) {
    CAPTURE(p.name);
    CHECK(after.parameter(p.name).equal(p.value));
  }
  CHECK(after.parameter("cell.out").abs().max().item<float>() > 0);
}

}  // namespace octet::tests

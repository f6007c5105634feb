// From a run to a model file of either type, and from a model file to the other.
#include "tests/training/support/catch.h"

#include <fmt/format.h>

#include "bytemodel/training/checkpoint.h"
#include "bytemodel/training/commands/commands.h"
#include "bytemodel/training/network.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
using bytemodel::DType;
using bytemodel::ModelFile;
using torch::Tensor;

Network random_network() {
  Network network = Network::random(tiny_options().model, 1, torch::kCPU);
  const torch::NoGradGuard no_gradients;
  for (const Parameter& p : network.parameters()) p.value.detach().add_(torch::randn_like(p.value), 0.1);  // none is 0 or 1
  return network;
}

/// A run whose averaged values are those of `network`.
void write_run(const std::filesystem::path& folder, const Network& network) {
  Checkpoint checkpoint{tiny_options(), {}, "corpus", {}};
  for (const Parameter& p : network.parameters()) checkpoint.tensors.push_back({"average/" + p.name, p.value.detach()});
  REQUIRE(write_checkpoint(folder, checkpoint));
}

Network open(const std::filesystem::path& path) { return Network::from_file(ModelFile::read(path).value(), torch::kCPU); }

/// What a tensor of an int8 file stands for, worked out from what is stored.
Tensor widened(const ModelFile& file, const std::string& name) {
  const auto& stored = file.tensor(name);
  if (stored.dtype == DType::kF32) return torch::from_blob(const_cast<float*>(stored.f32().data()), stored.shape).clone();
  const auto& scales = file.tensor(name + ".scale");
  return torch::from_blob(const_cast<std::byte*>(stored.data.data()), stored.shape, torch::kInt8).to(torch::kFloat) *
         torch::from_blob(const_cast<float*>(scales.f32().data()), scales.shape).unsqueeze(-1);
}

}  // namespace

TEST_CASE("a run exported as int8 reads back as the widened numbers, close to the run's") {
  torch::manual_seed(1);
  const TemporaryFolder folder;
  const Network network = random_network();
  write_run(folder.path(), network);
  ExportCommand command;
  command.run = folder.path();
  command.output = folder.path() / "int8.safetensors";
  command.name = "exported";
  command.type = "int8";
  REQUIRE(run_export(command) == 0);
  const ModelFile file = ModelFile::read(command.output).value();
  CHECK(file.name() == "exported");
  const Network found = Network::from_file(file, torch::kCPU);
  CHECK(found.config() == network.config());
  for (const Parameter& p : network.parameters()) {
    CAPTURE(p.name);
    const Tensor& value = found.parameter(p.name);
    CHECK(value.equal(widened(file, p.name)));
    if (p.value.dim() == 1) {
      CHECK(file.tensor(p.name).dtype == DType::kF32);
      CHECK(value.equal(p.value));
    } else {
      CHECK(file.tensor(p.name).dtype == DType::kI8);
      const Tensor scales = p.value.detach().abs().amax(-1, /*keepdim=*/true) / 127;
      CHECK(((value - p.value).abs() / scales).max().item<float>() < 0.5001F);
      CHECK_FALSE(value.equal(p.value));
    }
  }
}

TEST_CASE("a model file is exported as the other type") {
  torch::manual_seed(1);
  const TemporaryFolder folder;
  const Network network = random_network();
  write_run(folder.path(), network);
  ExportCommand command;
  command.run = folder.path();
  command.output = folder.path() / "f32.safetensors";
  REQUIRE(run_export(command) == 0);
  const Network exact = open(command.output);
  for (const Parameter& p : network.parameters()) CHECK(exact.parameter(p.name).equal(p.value));

  // f32 -> int8 -> f32 has the int8 file's numbers.
  const auto convert = [&](const char* from, const char* to, const char* type) {
    ExportCommand conversion;
    conversion.model = folder.path() / from;
    conversion.output = folder.path() / to;
    conversion.type = type;
    REQUIRE(run_export(conversion) == 0);
    return open(conversion.output);
  };
  const Network rounded = convert("f32.safetensors", "int8.safetensors", "int8");
  const Network again = convert("int8.safetensors", "again.safetensors", "f32");
  CHECK_FALSE(rounded.parameter("embed").equal(network.parameter("embed")));
  for (const Parameter& p : rounded.parameters()) CHECK(again.parameter(p.name).equal(p.value));
}

TEST_CASE("a type that is not there, or a run that is not finite, is not exported") {
  const TemporaryFolder folder;
  const Network network = random_network();
  network.parameter("unembed").detach().fill_(NAN);
  write_run(folder.path(), network);
  ExportCommand command;
  command.run = folder.path();
  command.output = folder.path() / "model.safetensors";
  for (const char* type : {"int8", "int4", ""}) {
    command.type = type;
    CHECK(run_export(command) == 1);
    CHECK_FALSE(std::filesystem::exists(command.output));
  }
}

}  // namespace octet::tests

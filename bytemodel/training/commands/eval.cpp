#include <fstream>

#include <fmt/format.h>

#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/evaluate.h"

namespace octet::bytemodel::training {
namespace {

/// A model file where one is named, else a run.
Result<Network> open_network(const std::filesystem::path& model, const std::filesystem::path& run, torch::Device device) {
  if (model.empty()) return open_run(run);
  const Result<ModelFile> file = ModelFile::read(model);
  if (!file) return tl::unexpected(file.error());
  return Network::from_file(*file, device);
}

}  // namespace

int run_export(const ExportCommand& command) {
  if (command.type != "f32" && command.type != "int8") {
    return report({ErrorCode::kInvalidArgument, fmt::format("type: expected f32 or int8, found {}", command.type)});
  }
  const WeightType type = command.type == "int8" ? WeightType::kInt8 : WeightType::kF32;
  const Result<Network> network = open_network(command.model, command.run, torch::kCPU);
  if (!network) return report(network.error());
  if (const Result<void> written = write_network(*network, command.output, command.name, type); !written) return report(written.error());
  say(fmt::format("{}: {:.1f} MB", command.output.string(), static_cast<double>(std::filesystem::file_size(command.output)) / 1e6));
  return 0;
}

int run_eval(const EvalCommand& command) {
  const Result<torch::Device> device = open_device(command.compute.device);
  if (!device) return report(device.error());
  const Result<Network> network = open_network(command.model, command.run, *device);
  if (!network) return report(network.error());
  const Result<Dataset> held_out = open_held_out(command.compute, std::min(1024, network->config().max_context));
  if (!held_out) return report(held_out.error());
  EvaluateOptions options;
  options.n_sequences = command.n_sequences;
  options.n_cursors = command.n_cursors;
  const Result<std::vector<LanguageScore>> scores = evaluate(*network, *held_out, options, WorkerTeam(command.compute.n_workers));
  if (!scores) return report(scores.error());
  const int n_predict = network->config().n_predict;
  std::printf("%s", to_table(*scores, n_predict).c_str());
  if (command.json.empty()) return 0;
  std::ofstream out(command.json);
  out << to_json(*scores, n_predict) << '\n';
  out.flush();
  if (!out) return report({ErrorCode::kUnreadable, fmt::format("{}: cannot be written", command.json.string())});
  return 0;
}

}  // namespace octet::bytemodel::training

#include <optional>

#include <fmt/format.h>

#include "bytemodel/training/batch.h"
#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/draft_cell.h"
#include "bytemodel/training/optimiser.h"
#include "bytemodel/training/worker_team.h"

namespace octet::bytemodel::training {
namespace {

constexpr int kBatch = 8;   // sequences
constexpr int kStride = 4;  // every fourth position: neighbours teach the same
constexpr int kLogSteps = 10;

/// The same model with a cell of `cell_dim`, the old one's values kept where their shapes fit.
Network with_cell(const Network& network, int cell_dim, std::uint64_t seed) {
  ModelConfig config = network.config();
  config.cell_dim = cell_dim;
  Network out = Network::random(config, seed, torch::kCPU);
  const torch::NoGradGuard no_gradients;
  for (const Parameter& p : out.parameters()) {
    for (const Parameter& old : network.parameters()) {
      if (old.name == p.name && old.value.sizes() == p.value.sizes()) p.value.detach().copy_(old.value);
    }
  }
  return out;
}

}  // namespace

int run_cell(const CellCommand& command, std::stop_token stop) {
  const Result<ModelFile> file = ModelFile::read(command.model);
  if (!file) return report(file.error());
  Network network = with_cell(Network::from_file(*file, torch::kCPU), command.cell_dim, command.seed);
  network.train_only("cell.");
  DatasetOptions data_options;
  data_options.context = static_cast<std::size_t>(network.config().max_context);
  data_options.seed = command.seed;
  const Result<Dataset> data = open_split(command.compute, "train", data_options);
  if (!data) return report(data.error());

  const WorkerTeam team(command.compute.n_workers);
  std::vector<Network> replicas;
  for (int i = 1; i < team.size(); ++i) replicas.push_back(network.replica());
  Optimiser optimiser(network, {}, Precision::kF32);
  const int n_predict = network.config().n_predict;
  const double n_normal = static_cast<double>(kBatch) * static_cast<double>(data_options.context) / kStride * (n_predict - 1);
  const auto n_steps = static_cast<std::int64_t>(command.megabytes * 1e6 / (kBatch * static_cast<double>(data_options.context))) + 1;
  HeadSums since_log(n_predict);
  for (std::int64_t step = 0; step < n_steps && !stop.stop_requested(); ++step) {
    network.clear_gradients();
    for (Network& replica : replicas) replica.clear_gradients();
    std::vector<HeadSums> sums(static_cast<std::size_t>(team.size()), HeadSums(n_predict));
    std::vector<std::optional<Error>> errors(sums.size());
    team.run([&](int worker) {
      const auto at = static_cast<std::size_t>(worker);
      Network& mine = worker == 0 ? network : replicas[at - 1];
      for (int i = worker; i < kBatch; i += team.size()) {
        const Result<std::string> sequence = data->sequence(static_cast<std::uint64_t>(step * kBatch + i));
        if (!sequence) {
          errors[at] = sequence.error();
          return;
        }
        accumulate_cell_gradients(mine, as_batch(*sequence), kStride, n_normal, sums[at]);
      }
    });
    for (const std::optional<Error>& error : errors) {
      if (error) return report(*error);
    }
    const torch::NoGradGuard no_gradients;
    for (std::size_t i = 0; i < network.parameters().size(); ++i) {
      for (const Network& replica : replicas) {
        if (replica.gradient(i).defined()) network.gradient(i).add_(replica.gradient(i));
      }
    }
    const double left = 1 - static_cast<double>(step) / static_cast<double>(n_steps);
    optimiser.step(network, std::min(1.0, left / 0.5), team);
    for (const HeadSums& one : sums) since_log += one;
    if ((step + 1) % kLogSteps == 0 || step + 1 == n_steps) {
      say(fmt::format("step {} of {} | head 2 {:.4f} bits/byte | head {} {:.4f}", step + 1, n_steps, since_log.bits_per_byte(1), n_predict,
                      since_log.bits_per_byte(n_predict - 1)));
      since_log = HeadSums(n_predict);
    }
  }
  if (const Result<void> written = write_network(network, command.output, file->name(), WeightType::kF32); !written)
    return report(written.error());
  return 0;
}

}  // namespace octet::bytemodel::training

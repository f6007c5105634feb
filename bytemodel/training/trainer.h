// One run: batches from the corpus, gradients on every worker, one update, and from time to time a validation and a
// checkpoint. The caller's thread leads; workers live for a step.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/checkpoint.h"
#include "bytemodel/training/collective.h"
#include "bytemodel/training/dataset.h"
#include "bytemodel/training/loss_curve.h"
#include "bytemodel/training/network.h"
#include "bytemodel/training/optimiser.h"
#include "bytemodel/training/worker_team.h"

namespace octet::bytemodel::training {

/// How a run presents itself; none of it changes the weights.
struct RunSettings {
  std::filesystem::path directory;  // checkpoints and curves
  double checkpoint_seconds = 600;
  int log_steps = 10;
  std::function<void(const std::string&)> say;  // one line, no newline
  const Dataset* held_out = nullptr;            // scored by language beside each checkpoint, where there is one; outlives the run
};

class Trainer {
 public:
  /// A new run from random values, or from those of `start` where it is given.
  Trainer(TrainOptions options, RunSettings settings, Dataset data, torch::Device device, Collective& collective,
          const Network* start = nullptr);
  /// Goes on where the checkpoint ends. Fails with kInvalidArgument when the corpus is another one, kMalformed when a tensor
  /// is missing or has another shape.
  static Result<std::unique_ptr<Trainer>> resume(const Checkpoint& checkpoint, RunSettings settings, Dataset data, torch::Device device,
                                                 Collective& collective);

  /// Until the plan is done or a stop is asked for; writes a checkpoint either way. Fails with kMalformed and the step when
  /// the loss is no number (the last checkpoint stays), and as reading and writing fail.
  Result<void> run(std::stop_token stop);

  /// One train_step. -> the sums of this step over all processes.
  Result<HeadSums> step();

  double progress() const;
  const RunPosition& position() const { return position_; }
  const TrainOptions& options() const { return options_; }
  /// The average of the values over the last steps: what is exported.
  Network averaged() const;
  const Network& network() const { return replicas_.front(); }
  Checkpoint checkpoint() const;

 private:
  Result<HeadSums> accumulate(int n_sequences, std::uint64_t first_sequence, const HeadWeights& weights, double n_normal);
  Result<void> reduce(HeadSums& sums);
  void refresh_casts();
  void update_average();
  Result<void> save();
  Result<void> validate();

  TrainOptions options_;
  RunSettings settings_;
  Dataset data_;
  Collective& collective_;
  WorkerTeam team_;
  std::vector<Network> replicas_;  // one a worker; the first one's values are the others'
  Optimiser optimiser_;
  std::vector<torch::Tensor> average_;
  RunPosition position_;
};

}  // namespace octet::bytemodel::training

// What defines a run: with these, the corpus and the code, every byte of its weights follows. Stored in each checkpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bytemodel/model_config.h"
#include "bytemodel/result.h"
#include "bytemodel/training/dataset.h"
#include "bytemodel/training/network.h"
#include "bytemodel/training/optimiser.h"
#include "bytemodel/training/schedule.h"

namespace octet::bytemodel::training {

struct TrainOptions {
  ModelConfig model;
  DatasetOptions data;
  OptimiserOptions optimiser;
  ScheduleOptions schedule;
  std::uint64_t total_bytes = 0;  // the plan; progress is bytes seen over it
  int batch = 16;                 // sequences in a full batch of one process
  int n_workers = 2;              // gradients are summed worker by worker, so this is part of a run's identity
  std::uint64_t seed = 1;
  Precision precision = Precision::kF32;

  bool operator==(const TrainOptions&) const;
};

std::string to_json(const TrainOptions& options);
/// Fails with kMalformed and the field's name.
Result<TrainOptions> parse_train_options(std::string_view json);

/// The shape of the default model; d_model, n_layers and context by the caller, the rest follows from them.
ModelConfig default_model(int d_model, int n_layers, int context, int n_predict);

}  // namespace octet::bytemodel::training

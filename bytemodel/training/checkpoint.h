// A run on disk: values, their average and the optimiser's moments, as one safetensors file that is whole or absent.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/network.h"
#include "bytemodel/training/train_options.h"

namespace octet::bytemodel::training {

/// Where a run stands. Everything else follows from the options.
struct RunPosition {
  std::uint64_t step = 0;
  std::uint64_t n_bytes = 0;      // seen by all processes together
  std::uint64_t n_sequences = 0;  // drawn by all processes together
  double seconds = 0;             // of training
};

struct Checkpoint {
  TrainOptions options;
  RunPosition position;
  std::string corpus;              // Dataset::fingerprint
  std::vector<Parameter> tensors;  // "value/NAME", "average/NAME", "optimiser/NAME"
};

/// Writes DIRECTORY/checkpoint-STEP.safetensors, then removes all but the three newest and what killed writers left. A
/// crash at any moment leaves the earlier ones as they were. One writer a folder (RunLock). Fails with kUnreadable and the system's reason
/// (disk full).
Result<std::filesystem::path> write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

/// The newest checkpoint of a folder that can be read; those that cannot are named in `skipped`. Fails with kNotFound where
/// there is none.
Result<Checkpoint> read_newest_checkpoint(const std::filesystem::path& directory, std::vector<std::string>& skipped);

/// Fails as SafetensorsFile::read does, or with kMalformed.
Result<Checkpoint> read_checkpoint(const std::filesystem::path& path);

}  // namespace octet::bytemodel::training

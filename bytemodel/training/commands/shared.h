// Pieces that several verbs need.
#pragma once

#include <cstdio>
#include <string>

#include <torch/types.h>

#include "bytemodel/model_writer.h"
#include "bytemodel/result.h"
#include "bytemodel/training/commands/commands.h"
#include "bytemodel/training/dataset.h"
#include "bytemodel/training/network.h"

namespace octet::bytemodel::training {

inline constexpr int kExitFailed = 1;

inline void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

inline int report(const Error& error) {
  std::fprintf(stderr, "octet-train: %s\n", error.message.c_str());
  return kExitFailed;
}

/// "cpu" or "cuda"; fails with kUnsupported where this LibTorch sees no GPU.
Result<torch::Device> open_device(const std::string& name);

/// The corpus's folder for one split: "train" or "held-out".
Result<Dataset> open_split(const ComputeOptions& compute, const char* split, const DatasetOptions& options);

/// The corpus's held-out text, documents as they are: what scores are measured on.
Result<Dataset> open_held_out(const ComputeOptions& compute, int context);

/// Writes the values of `network` as a model file.
Result<void> write_network(const Network& network, const std::filesystem::path& path, const std::string& name, WeightType type);

/// The averaged values of a run's newest checkpoint.
Result<Network> open_run(const std::filesystem::path& directory);

}  // namespace octet::bytemodel::training

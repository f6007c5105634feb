// From a model's file name to a runner that computes it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "engine/decode/step_costs.h"
#include "engine/memory/mixer.h"
#include "engine/model/model_runner.h"
#include "kernels/cuda/device.h"

namespace octet::engine {

using OpenGpu = std::function<Result<std::unique_ptr<kernels::cuda::Device>>()>;

struct RunnerOptions {
  std::filesystem::path model;    // empty: the default model
  std::string device = "auto";    // "auto", "cpu" or "cuda"
  std::string profile = "int8";   // the numerics profile, "int8", "bf16" or "f32"
  unsigned threads = 0;           // 0: the physical cores, at most 4
  std::string forced_isa;         // empty: the best that the processor has
  std::filesystem::path mixer;    // weights for the workspace memory; empty: the default ones
  std::size_t gpu_memory_mb = 0;  // the most that may be taken of a GPU's memory; 0: what is free
  OpenGpu open_gpu;               // in place of open_cuda_device, for tests
};

/// What there is to say about a model that was opened.
struct ModelInfo {
  std::string name;
  std::string sha256;
  std::filesystem::path path;
  std::string device;         // "cpu" or "cuda"
  std::string device_note;    // why that one; empty where "cpu" was asked for
  std::size_t gpu_bytes = 0;  // of the GPU's memory for weights, buffers and a completion with its alternatives
  bool has_cublas = false;    // which multiplies long parts of prompts
  std::string isa;
  std::string profile;
  unsigned threads = 1;
  int max_context = 0;
  double load_ms = 0;
  std::filesystem::path mixer;  // empty: there is none, and no memory
};

struct OpenedModel {
  std::unique_ptr<ModelRunner> runner;
  StepCosts costs;                     // measured here and now
  std::shared_ptr<const Mixer> mixer;  // nullptr where none was named and there is no default one
  ModelInfo info;
};

/// Where the default model is looked for, in order: $OCTET_MODEL alone where it is set; else share/octet beside the
/// folder of the program (installed) and bytemodel/weights above it (a build tree).
std::vector<std::filesystem::path> default_model_candidates();
/// The same for the mixer, $OCTET_MIXER and mixer.safetensors.
std::vector<std::filesystem::path> default_mixer_candidates();

/// A GPU that was asked for ("cuda") and cannot be used is no failure: the CPU computes the same, and ModelInfo::device_note says why.
/// "auto" takes the one that steps are faster on, as measured. A GPU that fails later: ModelRunner::trouble(). The profile bf16 is the
/// GPU's alone: there it is a failure.
///
/// Fails as bytemodel::ModelFile::read and Mixer::read do; with kNotFound where there is no default model, naming where it was looked
/// for; with kTooLarge where a session would need more than 2 GiB; with kUnsupported where this build or processor lacks the device,
/// profile or instruction set.
Result<OpenedModel> open_runner(const RunnerOptions& options);

}  // namespace octet::engine

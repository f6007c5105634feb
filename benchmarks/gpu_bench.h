// A GPU against the CPU, in int8 bit for bit, in bf16 against f32, and then against what its memory can do: one report for the day that a
// GPU is there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace octet::benchmarks {

struct GpuOptions {
  std::vector<std::string> shapes;  // of random models that are timed; empty: the default model, 0.1B, 1B and 7B parameters
  int models = 12;                  // small random ones that are compared with the CPU
  std::size_t context = 1024;       // bytes behind which steps are timed, within the model's
  int repetitions = 50;             // of each timed step
  std::filesystem::path json;
};

/// Returns the exit code: 1 where there is no GPU to use, where it fails, where a bit of int8 differs from the CPU's, or where bf16 is far
/// from f32.
int run_gpu(const GpuOptions& options);

}  // namespace octet::benchmarks

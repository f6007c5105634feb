// The kernels of the int8 profile one by one against what the machine can do.
#pragma once

#include <filesystem>
#include <string>

namespace octet::benchmarks {

struct KernelsOptions {
  std::filesystem::path json;  // empty: none
  unsigned threads = 1;
};

/// Prints the machine's limits, then for each level of memory and each number of rows the share of its limit that a product
/// reaches, then the rows of a prefill and attention. Returns the exit code.
int run_kernels(const KernelsOptions& options);

}  // namespace octet::benchmarks

// What a step should take on GPUs that are not here: computed from their data sheets, never measured.
#pragma once

#include <span>

namespace octet::benchmarks {

struct GpuSheet {
  const char* name;
  double bytes_per_s;  // of its memory
  double int8_products_per_s;
  double bf16_products_per_s;  // summed in f32
};

/// Source: NVIDIA's data sheets of the A100 SXM 80 GB, H100 SXM, GeForce RTX 4090 and 5090 (tensor operations without sparsity, two a
/// product).
std::span<const GpuSheet> known_gpus();

struct StepWork {
  bool is_bf16;     // or int8
  double bytes;     // weights, keys and values that a step reads
  double products;  // of one position
  int n_launches;
};

/// max(bytes / bandwidth, products / peak) and what launches in a graph cost between one another.
double expected_step_s(const GpuSheet& gpu, const StepWork& work, int n_positions);

/// The same of a long chunk, whose weights are read, written as plain rows and read again, with about three launches for one.
double expected_long_chunk_s(const GpuSheet& gpu, const StepWork& work, int n_positions);

}  // namespace octet::benchmarks

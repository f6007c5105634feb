#include "benchmarks/gpu_roofline.h"

#include <algorithm>

namespace octet::benchmarks {
namespace {

constexpr GpuSheet kGpus[] = {
    {"A100", 2.039e12, 312e12, 156e12},
    {"H100", 3.35e12, 989.5e12, 494.7e12},
    {"4090", 1.008e12, 330.3e12, 82.6e12},
    {"5090", 1.792e12, 419e12, 104.8e12},
};

// From the end of a kernel to the begin of the next one in a graph, roughly, on all of them.
constexpr double kLaunchS = 1.5e-6;

double reading_s(const GpuSheet& gpu, const StepWork& work) { return work.bytes / gpu.bytes_per_s; }
double computing_s(const GpuSheet& gpu, const StepWork& work, int n_positions) {
  return work.products * n_positions / (work.is_bf16 ? gpu.bf16_products_per_s : gpu.int8_products_per_s);
}

}  // namespace

std::span<const GpuSheet> known_gpus() { return kGpus; }

double expected_step_s(const GpuSheet& gpu, const StepWork& work, int n_positions) {
  return std::max(reading_s(gpu, work), computing_s(gpu, work, n_positions)) + kLaunchS * work.n_launches;
}

double expected_long_chunk_s(const GpuSheet& gpu, const StepWork& work, int n_positions) {
  return 2 * reading_s(gpu, work) + std::max(reading_s(gpu, work), computing_s(gpu, work, n_positions)) + 3 * kLaunchS * work.n_launches;
}

}  // namespace octet::benchmarks

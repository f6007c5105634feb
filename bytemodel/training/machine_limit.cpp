#include "bytemodel/training/machine_limit.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <torch/types.h>

#include "bytemodel/training/worker_team.h"

namespace octet::bytemodel::training {
namespace {

using Clock = std::chrono::steady_clock;

double rate(const WorkerTeam& team, torch::Dtype type) {
  constexpr std::int64_t kSize = 1024;
  std::vector<double> rates(static_cast<std::size_t>(team.size()));
  team.run([&](int worker) {
    const torch::NoGradGuard no_gradients;
    const torch::Tensor a = torch::randn({kSize, kSize}).to(type);
    const torch::Tensor b = torch::randn({kSize, kSize}).to(type);
    torch::Tensor c = torch::mm(a, b);  // the first call prepares the library
    const Clock::time_point start = Clock::now();
    double seconds = 0;
    double flops = 0;
    while (seconds < 1) {
      torch::mm_out(c, a, b);
      flops += 2.0 * kSize * kSize * kSize;
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    }
    rates[static_cast<std::size_t>(worker)] = flops / seconds;
  });
  double sum = 0;
  for (const double one : rates) sum += one;
  return sum;
}

}  // namespace

MatrixProductRate measure_matrix_products(int n_workers) {
  const WorkerTeam team(n_workers);
  return {rate(team, torch::kFloat), rate(team, torch::kBFloat16)};
}

Precision best_precision(const std::string& device) {
#if defined(__x86_64__)
  if (device == "cpu" && __builtin_cpu_supports("avx512bf16") == 0) return Precision::kF32;
#else
  if (device == "cpu") return Precision::kF32;
#endif
  return Precision::kBf16;
}

double training_flops_per_byte(const ModelConfig& config, std::int64_t context) {
  double seen = 0;  // positions that a query attends to, on average, summed over the layers
  for (const int window : config.window) {
    const auto all = static_cast<double>(context + 1) / 2;
    const auto w = static_cast<double>(window);
    const auto t = static_cast<double>(context);
    seen += window == 0 || w >= t ? all : w - w * (w - 1) / (2 * t);
  }
  const double attention = 12.0 * seen * config.q_dim();  // scores and values, multiply and add, forward once and backward twice
  return 6.0 * static_cast<double>(count_parameters(config).dense) + attention;
}

}  // namespace octet::bytemodel::training

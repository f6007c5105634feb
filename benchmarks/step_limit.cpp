#include "benchmarks/step_limit.h"

#include <algorithm>

namespace octet::benchmarks {
namespace {

std::size_t positions_seen(const engine::PackedBlock& block, std::size_t context) {
  return block.window == 0 ? context : std::min(context, static_cast<std::size_t>(block.window));
}

}  // namespace

StepLimit::StepLimit(const engine::Int8Runner& runner, MachineLimit& machine)
    : runner_(runner), bandwidth_(machine.bandwidth(runner.weights().step_bytes())), products_per_s_(machine.products_per_s()) {}

double StepLimit::products(std::size_t context) const {
  const auto& weights = runner_.weights();
  double products = static_cast<double>(weights.step_bytes());  // a byte is a weight
  for (const auto& layer : weights.layers) {
    products += 2.0 * runner_.config().q_dim() * static_cast<double>(positions_seen(layer, context));
  }
  return products;
}

double StepLimit::seconds(int m, std::size_t context) const {
  const auto& weights = runner_.weights();
  const auto& c = runner_.config();
  const auto larger = [&](double bytes, double products) { return std::max(bytes / bandwidth_, products / products_per_s_); };
  // Every matrix has a product for each of its bytes, so that they have the same larger part and may be taken together.
  const auto matrices = static_cast<double>(weights.step_bytes());
  double seconds = larger(matrices, m * matrices);
  for (const auto& layer : weights.layers) {
    const auto seen = static_cast<double>(positions_seen(layer, context));
    seconds += larger(2.0 * c.kv_dim() * seen, m * 2.0 * c.q_dim() * seen);
  }
  return seconds;
}

}  // namespace octet::benchmarks

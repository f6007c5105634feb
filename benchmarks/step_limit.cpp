#include "benchmarks/step_limit.h"

#include <algorithm>

#include "bytemodel/check.h"

namespace octet::benchmarks {
namespace {

std::size_t positions_seen(const engine::PackedBlock& block, std::size_t context) {
  return block.window == 0 ? context : std::min(context, static_cast<std::size_t>(block.window));
}

}  // namespace

StepLimit::StepLimit(const engine::Int8Runner& runner, MachineLimit& machine)
    : runner_(runner), bandwidth_(machine.bandwidth(runner.weights().step_bytes())), products_per_s_(machine.products_per_s()) {}

double StepLimit::prefill_products(std::size_t n, std::size_t chunk) const {
  const auto& weights = runner_.weights();
  const auto& c = runner_.config();
  OCTET_CHECK(weights.heads.empty());  // their blocks come behind the last layer, which then is computed whole
  const auto attended = [&](const engine::PackedBlock& layer, std::size_t pos) {
    return 2.0 * c.q_dim() * static_cast<double>(positions_seen(layer, pos + 1));
  };
  // A byte of a matrix is a weight, and a product for each position.
  const engine::PackedBlock& last = weights.layers.back();
  const double keys_values = 2.0 * engine::stacked_rows(c.kv_dim()) * c.d_model;
  const double rest_of_last = static_cast<double>(last.size_bytes() + weights.unembed[0].size_bytes()) - keys_values;
  double products = 0;
  for (std::size_t pos = 0; pos < n; ++pos) {
    products += static_cast<double>(weights.step_bytes()) - rest_of_last;
    for (std::size_t i = 0; i + 1 < weights.layers.size(); ++i) products += attended(weights.layers[i], pos);
    if ((pos + 1) % chunk == 0 || pos + 1 == n) products += rest_of_last + attended(last, pos);
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

#include "bytemodel/training/optimiser.h"

#include <algorithm>
#include <cmath>

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;

constexpr double kAdamEps = 1e-8;

bool is_muon(const Parameter& p) { return (p.name.starts_with("layers.") || p.name.starts_with("heads.")) && p.name.ends_with("_proj"); }

}  // namespace

Tensor orthogonalise(const Tensor& matrix, Precision precision) {
  constexpr double kA = 3.4445;
  constexpr double kB = -4.7750;
  constexpr double kC = 2.0315;
  constexpr int kIterations = 5;
  const bool is_tall = matrix.size(0) > matrix.size(1);
  Tensor x = is_tall ? matrix.t().contiguous() : matrix;
  x = x / (x.norm() + 1e-7);
  if (precision == Precision::kBf16) x = x.to(torch::kBFloat16);
  for (int i = 0; i < kIterations; ++i) {
    const Tensor a = torch::mm(x, x.t());
    const Tensor b = torch::addmm(a, a, a, kB, kC);  // kB * a + kC * a * a
    x = torch::addmm(x, b, x, kA, 1);
  }
  return (is_tall ? x.t() : x).to(matrix.scalar_type());
}

Optimiser::Optimiser(const Network& network, OptimiserOptions options, Precision precision) : options_(options), precision_(precision) {
  for (const Parameter& p : network.parameters()) {
    Slot slot;
    slot.is_muon = is_muon(p);
    const bool is_table = p.name.starts_with("ngram.") || p.name == "embed";
    slot.rate = slot.is_muon ? options.muon_rate : is_table ? options.table_rate : options.adam_rate;
    slot.first = torch::zeros_like(p.value).detach();
    state_.push_back({p.name + ".first", slot.first});
    if (!slot.is_muon) {
      slot.second = torch::zeros_like(p.value).detach();
      slot.n_steps = torch::zeros({1});
      state_.push_back({p.name + ".second", slot.second});
      state_.push_back({p.name + ".n_steps", slot.n_steps});
    }
    slots_.push_back(std::move(slot));
  }
}

void Optimiser::step(Network& network, double factor, const WorkerTeam& team) {
  const std::vector<Parameter>& parameters = network.parameters();
  team.for_each(parameters.size(), [&](std::size_t i) {
    const torch::NoGradGuard no_gradients;
    const Tensor gradient = network.gradient(i);
    if (gradient.defined()) update(parameters[i].value, gradient, slots_[i], factor);
  });
}

void Optimiser::update(const Tensor& value, const Tensor& gradient, Slot& slot, double factor) const {
  const double rate = slot.rate * factor;
  Tensor target = value.detach();
  if (slot.is_muon) {
    slot.first.lerp_(gradient, 1 - options_.momentum);
    const Tensor ahead = gradient.lerp(slot.first, options_.momentum);  // Nesterov
    // A tall matrix has more outputs than its rank moves: scaled so that each output moves alike.
    const double shape = std::sqrt(std::max(1.0, static_cast<double>(value.size(0)) / static_cast<double>(value.size(1))));
    target.mul_(1 - rate * options_.weight_decay);
    target.add_(orthogonalise(ahead, precision_), -rate * shape);
    return;
  }
  slot.n_steps.add_(1);
  const double n = slot.n_steps.item<double>();
  slot.first.lerp_(gradient, 1 - options_.beta1);
  slot.second.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
  const double second_correction = std::sqrt(1 - std::pow(options_.beta2, n));
  const Tensor denominator = slot.second.sqrt().add_(kAdamEps * second_correction);
  target.addcdiv_(slot.first, denominator, -rate * second_correction / (1 - std::pow(options_.beta1, n)));
}

}  // namespace octet::bytemodel::training

#include "bytemodel/training/mixer/mixer_trainer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <torch/torch.h>

#include "bytemodel/check.h"

namespace octet::bytemodel::training {
namespace {

constexpr double kAdamBeta2 = 0.999;
constexpr double kLeak = 0.1;  // as Mixer's
constexpr double kLeastRest = 1e-6;
constexpr double kLeastDeviation = 1e-2;

constexpr auto kShared = static_cast<std::int64_t>(engine::kSharedInputs);
constexpr auto kByte = static_cast<std::int64_t>(engine::kByteInputs);
constexpr auto kHidden = static_cast<std::int64_t>(engine::kMixerHidden);

/// The samples as tensors that look at their memory.
struct Table {
  torch::Tensor shared, of_byte, log_net;

  explicit Table(const MixerSamples& samples) {
    const auto view = [](const auto& values, std::vector<std::int64_t> shape, torch::ScalarType type) {
      return torch::from_blob(const_cast<void*>(static_cast<const void*>(values.data())), shape, type);  // never written to
    };
    const auto n = static_cast<std::int64_t>(samples.size());
    const auto n_rows = static_cast<std::int64_t>(samples.log_net.size());
    shared = view(samples.shared, {n, kShared}, torch::kHalf);
    of_byte = view(samples.of_byte, {n_rows, kByte}, torch::kHalf);
    log_net = view(samples.log_net, {n_rows}, torch::kFloat);
  }
};

struct Batch {
  torch::Tensor shared;   // [samples, kShared]
  torch::Tensor of_byte;  // [rows, kByte]
  torch::Tensor log_net;  // [rows]
  torch::Tensor sample;   // [rows], which sample a row belongs to
  torch::Tensor answer;   // rows that are the true byte of their sample
};

Batch take(const MixerSamples& samples, const Table& table, const std::vector<std::int64_t>& chosen) {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> sample;
  std::vector<std::int64_t> answers;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const auto at = static_cast<std::size_t>(chosen[i]);
    for (std::uint32_t row = samples.first[at]; row < samples.first[at + 1]; ++row) {
      if (samples.answer[at] == row) answers.push_back(static_cast<std::int64_t>(rows.size()));
      rows.push_back(row);
      sample.push_back(static_cast<std::int64_t>(i));
    }
  }
  const auto row_indices = torch::tensor(rows, torch::kLong);
  return {table.shared.index_select(0, torch::tensor(chosen, torch::kLong)).to(torch::kFloat),
          table.of_byte.index_select(0, row_indices).to(torch::kFloat), table.log_net.index_select(0, row_indices),
          torch::tensor(sample, torch::kLong), torch::tensor(answers, torch::kLong)};
}

/// Mean and reciprocal deviation of each column, in blocks: the table is larger than a copy of it in float may be.
std::pair<torch::Tensor, torch::Tensor> scales_of(const torch::Tensor& table) {
  constexpr std::int64_t kBlock = 1 << 16;
  auto sum = torch::zeros({table.size(1)}, torch::kDouble);
  auto squares = torch::zeros_like(sum);
  for (std::int64_t begin = 0; begin < table.size(0); begin += kBlock) {
    const auto block = table.slice(0, begin, std::min(begin + kBlock, table.size(0))).to(torch::kDouble);
    sum += block.sum(0);
    squares += (block * block).sum(0);
  }
  const auto mean = sum / table.size(0);
  const auto deviation = (squares / table.size(0) - mean * mean).clamp_min(kLeastDeviation * kLeastDeviation).sqrt();
  return {mean.to(torch::kFloat), (1 / deviation).to(torch::kFloat)};
}

struct Parameters {
  torch::Tensor input, hidden_bias, output, skip, bias;
  std::vector<torch::Tensor> all() const { return {input, hidden_bias, output, skip, bias}; }
};

Parameters first_parameters(std::uint64_t seed) {
  torch::manual_seed(seed);
  Parameters p{torch::randn({kShared + kByte, kHidden}) / std::sqrt(static_cast<double>(kShared + kByte)), torch::zeros({kHidden}),
               torch::randn({kHidden}) * 0.1 / std::sqrt(static_cast<double>(kHidden)), torch::zeros({kShared + kByte}), torch::zeros({1})};
  for (auto& tensor : p.all()) tensor.set_requires_grad(true);
  return p;
}

std::vector<float> to_vector(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous().to(torch::kFloat);
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

}  // namespace

engine::Mixer train_mixer(const MixerSamples& samples, const MixerTrainOptions& options) {
  const auto n_samples = static_cast<std::int64_t>(samples.size());
  OCTET_CHECK(n_samples >= options.batch && options.batch >= 1);
  const Table table(samples);
  const auto [shared_mean, shared_scale] = scales_of(table.shared);
  const auto [byte_mean, byte_scale] = scales_of(table.of_byte);
  Parameters p = first_parameters(options.seed);
  torch::optim::Adam adam(p.all(), torch::optim::AdamOptions(options.rate).betas({0.9, kAdamBeta2}));

  const std::int64_t steps_per_epoch = n_samples / options.batch;
  const std::int64_t n_steps = steps_per_epoch * options.epochs;
  std::int64_t step = 0;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    const auto order = torch::randperm(n_samples, torch::kLong);
    double gain = 0;
    for (std::int64_t i = 0; i < steps_per_epoch; ++i, ++step) {
      const auto part = order.slice(0, i * options.batch, (i + 1) * options.batch);
      const Batch batch = take(samples, table, {part.data_ptr<std::int64_t>(), part.data_ptr<std::int64_t>() + part.numel()});
      const auto shared = (batch.shared - shared_mean) * shared_scale;
      const auto of_byte = (batch.of_byte - byte_mean) * byte_scale;
      const auto of_place = torch::matmul(shared, p.input.slice(0, 0, kShared)) + p.hidden_bias;
      const auto hidden =
          torch::leaky_relu(of_place.index_select(0, batch.sample) + torch::matmul(of_byte, p.input.slice(0, kShared)), kLeak);
      const auto direct = torch::matmul(shared, p.skip.slice(0, 0, kShared)).index_select(0, batch.sample) +
                          torch::matmul(of_byte, p.skip.slice(0, kShared));
      const auto boost = (torch::matmul(hidden, p.output) + direct + p.bias).clamp(-engine::Mixer::kMaxBoost, engine::Mixer::kMaxBoost);
      const auto sum_of = [&](const torch::Tensor& values) { return torch::zeros({options.batch}).index_add(0, batch.sample, values); };
      const auto rest = (1 - sum_of(batch.log_net.exp())).clamp_min(kLeastRest);
      const auto total = rest + sum_of((batch.log_net + boost).exp());
      const auto loss = (total.log().sum() - boost.index_select(0, batch.answer).sum()) / options.batch;
      adam.zero_grad();
      loss.backward();
      const double rate = options.rate * (1 - static_cast<double>(step) / static_cast<double>(n_steps));
      static_cast<torch::optim::AdamOptions&>(adam.param_groups()[0].options()).lr(rate);
      adam.step();
      gain -= loss.item<double>() / std::log(2.0);
    }
    if (options.say) {
      options.say(
          fmt::format("epoch {}: {:.4f} bits a byte better than the net alone", epoch + 1, gain / static_cast<double>(steps_per_epoch)));
    }
  }

  // The scales go into the weights, so that an input of 0 stays nothing to compute.
  torch::NoGradGuard no_gradients;
  const auto mean = torch::cat({shared_mean, byte_mean});
  const auto scale = torch::cat({shared_scale, byte_scale});
  const auto input = p.input * scale.unsqueeze(1);
  const auto skip = p.skip * scale;
  engine::Mixer::Weights weights;
  weights.input = to_vector(input);
  weights.hidden_bias = to_vector(p.hidden_bias - torch::matmul(mean, input));
  weights.output = to_vector(p.output);
  weights.skip = to_vector(skip);
  weights.bias = to_vector(p.bias - mean.dot(skip))[0];
  return engine::Mixer(std::move(weights));
}

double mixer_gain(const MixerSamples& samples, const engine::Mixer& mixer) {
  double gain = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    engine::MixerInput input;
    input.n_bytes = samples.first[i + 1] - samples.first[i];
    std::copy_n(samples.shared.begin() + static_cast<std::ptrdiff_t>(i * engine::kSharedInputs), engine::kSharedInputs,
                input.shared.begin());
    for (std::size_t j = 0; j < input.n_bytes; ++j) {
      const auto at = static_cast<std::ptrdiff_t>((samples.first[i] + j) * engine::kByteInputs);
      std::copy_n(samples.of_byte.begin() + at, engine::kByteInputs, input.of_byte[j].begin());
    }
    std::array<float, engine::Evidence::kMostBytes> boosts{};
    mixer.boosts(input, boosts);
    double known = 0;
    double weighted = 0;
    for (std::size_t j = 0; j < input.n_bytes; ++j) {
      const double log_net = static_cast<double>(samples.log_net[samples.first[i] + j]);
      known += std::exp(log_net);
      weighted += std::exp(log_net + static_cast<double>(boosts[j]));
    }
    if (samples.answer[i] >= 0) gain += static_cast<double>(boosts[static_cast<std::size_t>(samples.answer[i]) - samples.first[i]]);
    gain -= std::log(std::max(1 - known, kLeastRest) + weighted);
  }
  return gain / static_cast<double>(samples.size()) / std::log(2.0);
}

}  // namespace octet::bytemodel::training

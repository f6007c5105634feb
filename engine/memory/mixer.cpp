#include "engine/memory/mixer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "bytemodel/check.h"
#include "bytemodel/model_writer.h"
#include "bytemodel/safetensors.h"
#include "kernels/reference/math.h"

namespace octet::engine {
namespace {

namespace ref = kernels::reference;

constexpr const char* kFormat = "octet-mixer-1";

// The rest of the distribution never vanishes: a sum of probabilities may round to 1.
constexpr float kLeastRest = 1e-6F;
constexpr float kLeak = 0.1F;

}  // namespace

Mixture::Mixture(const NetRow& net, const MixerInput& input, std::span<const float> boosts) : net_(net), input_(input) {
  float known = 0;
  float weighted = 0;
  for (std::size_t i = 0; i < input.n_bytes; ++i) {
    if (!net.allowed[input.bytes[i]]) continue;
    scores_[i] = input.log_net[i] + boosts[i];
    weights_[i] = ref::exp(scores_[i]);
    known += ref::exp(input.log_net[i]);
    weighted += weights_[i];
  }
  total_ = std::max(1.0F - known, kLeastRest) + weighted;
}

Choice Mixture::best() const {
  ByteMask others = net_.allowed;
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < input_.n_bytes; ++i) {
    const std::uint8_t byte = input_.bytes[i];
    if (!net_.allowed[byte]) continue;
    others[byte] = false;
    const bool is_better = !best || scores_[i] > scores_[*best] || (scores_[i] == scores_[*best] && byte < input_.bytes[*best]);
    if (is_better) best = i;
  }
  // Where the net's two best are known, no other byte is likelier than its third.
  const bool are_two_known = !others[net_.best] && !others[net_.second];
  if (best && are_two_known && scores_[*best] > net_.log_probability(net_.third)) return {input_.bytes[*best], weights_[*best] / total_};
  const auto other = choose_byte(net_.logits, others);
  const bool is_known = best && (!other || scores_[*best] >= net_.log_probability(*other));
  if (is_known) return {input_.bytes[*best], weights_[*best] / total_};
  return {*other, ref::exp(net_.log_probability(*other)) / total_};
}

float Mixture::probability(std::uint8_t byte) const {
  for (std::size_t i = 0; i < input_.n_bytes; ++i) {
    if (input_.bytes[i] == byte) return weights_[i] / total_;
  }
  return ref::exp(net_.log_probability(byte)) / total_;
}

Mixer::Mixer(Weights weights) : weights_(std::move(weights)) {
  OCTET_CHECK(weights_.input.size() == kMixerInputs * kMixerHidden && weights_.hidden_bias.size() == kMixerHidden);
  OCTET_CHECK(weights_.output.size() == kMixerHidden && weights_.skip.size() == kMixerInputs);
}

void Mixer::boosts(const MixerInput& input, std::span<float> out) const {
  using Hidden = std::array<float, kMixerHidden>;
  // Most inputs are 0: their rows are not read.
  const auto add = [&](std::span<const float> values, std::size_t first, Hidden& hidden, float& direct) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float value = values[i];
      if (value == 0) continue;
      const float* row = &weights_.input[(first + i) * kMixerHidden];
      for (std::size_t j = 0; j < kMixerHidden; ++j) hidden[j] += value * row[j];
      direct += value * weights_.skip[first + i];
    }
  };
  Hidden of_place;
  std::copy(weights_.hidden_bias.begin(), weights_.hidden_bias.end(), of_place.begin());
  float direct_of_place = weights_.bias;
  add(input.shared, 0, of_place, direct_of_place);
  for (std::size_t b = 0; b < input.n_bytes; ++b) {
    Hidden hidden = of_place;
    float sum = direct_of_place;
    add(input.of_byte[b], kSharedInputs, hidden, sum);
    for (std::size_t j = 0; j < kMixerHidden; ++j) sum += weights_.output[j] * (hidden[j] > 0 ? hidden[j] : kLeak * hidden[j]);
    out[b] = std::clamp(sum, -kMaxBoost, kMaxBoost);
  }
}

Result<Mixer> Mixer::read(const std::filesystem::path& path) {
  const auto file = bytemodel::SafetensorsFile::read(path);
  if (!file) return tl::unexpected(file.error());
  const auto format = file->metadata().find("format");
  if (format == file->metadata().end() || format->second != kFormat) {
    return fail(ErrorCode::kUnsupported, fmt::format("{}: format: expected {}, found {}", path.string(), kFormat,
                                                     format == file->metadata().end() ? "none" : "'" + format->second + "'"));
  }
  Weights weights;
  std::vector<float> bias(1);
  for (const auto& [name, values] : {std::pair<const char*, std::vector<float>*>{"input", &weights.input},
                                     {"hidden_bias", &weights.hidden_bias},
                                     {"output", &weights.output},
                                     {"skip", &weights.skip},
                                     {"bias", &bias}}) {
    const auto* tensor = file->find(name);
    if (tensor == nullptr) return fail(ErrorCode::kMalformed, fmt::format("{}: tensor {} is missing", path.string(), name));
    if (tensor->dtype != bytemodel::DType::kF32 || tensor->f32().size() != values->size()) {
      return fail(ErrorCode::kMalformed,
                  fmt::format("{}: tensor {}: expected {} numbers of type F32, found shape {} of type {}", path.string(), name,
                              values->size(), bytemodel::to_string(tensor->shape), bytemodel::name(tensor->dtype)));
    }
    const auto numbers = tensor->f32();
    if (!std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); })) {
      return fail(ErrorCode::kMalformed, fmt::format("{}: tensor {}: expected finite numbers", path.string(), name));
    }
    values->assign(numbers.begin(), numbers.end());
  }
  weights.bias = bias[0];
  return Mixer(std::move(weights));
}

Result<void> Mixer::write(const std::filesystem::path& path) const {
  const auto tensor = [](const char* name, std::vector<std::int64_t> shape, std::span<const float> values) {
    bytemodel::TensorView view;
    view.name = name;
    view.dtype = bytemodel::DType::kF32;
    view.shape = std::move(shape);
    view.data = std::as_bytes(values);
    return view;
  };
  const auto inputs = static_cast<std::int64_t>(kMixerInputs);
  const auto hidden = static_cast<std::int64_t>(kMixerHidden);
  const std::array tensors{tensor("input", {inputs, hidden}, weights_.input), tensor("hidden_bias", {hidden}, weights_.hidden_bias),
                           tensor("output", {hidden}, weights_.output), tensor("skip", {inputs}, weights_.skip),
                           tensor("bias", {1}, std::span(&weights_.bias, 1))};
  return bytemodel::write_safetensors(path, tensors, {{"format", kFormat}});
}

}  // namespace octet::engine

// Net and memory as one distribution: p(b) ~ p_net(b) * exp(boost(b)).
//
// The boost of a byte that the memory knows, or that the net holds for best, comes from a small perceptron over MixerInput; of every
// other byte it is 0. A logistic mixture in the sense of Mahoney 2005 (the inputs enter as logarithms), with a hidden layer in place
// of sets of weights. Trained by octet-train mixer. Plain float sums in a fixed order: the same bits on every machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "bytemodel/result.h"
#include "engine/decode/sampler.h"
#include "engine/memory/mixer_input.h"

namespace octet::engine {

inline constexpr std::size_t kMixerHidden = 32;
inline constexpr std::size_t kMixerInputs = kSharedInputs + kByteInputs;

/// The mixture at one place.
class Mixture {
 public:
  Mixture(const NetRow& net, const MixerInput& input, std::span<const float> boosts);

  /// The allowed byte with the largest probability, the lowest on a tie.
  Choice best() const;
  /// Of an allowed byte.
  float probability(std::uint8_t byte) const;

 private:
  const NetRow& net_;
  const MixerInput& input_;
  std::array<float, Evidence::kMostBytes> weights_{};  // 0 for what is not allowed
  std::array<float, Evidence::kMostBytes> scores_{};   // logarithms of the weights
  float total_ = 0;
};

/// The weights. Immutable; safe on any thread.
class Mixer {
 public:
  /// Reads what write() wrote. Fails as SafetensorsFile::read does, and with kMalformed or kUnsupported where a tensor is missing, has
  /// another shape or is not finite, or where the inputs are those of another version.
  static Result<Mixer> read(const std::filesystem::path& path);

  /// input: [kMixerInputs][kMixerHidden], shared inputs first; hidden_bias, output: [kMixerHidden]; skip: [kMixerInputs]; bias.
  struct Weights {
    std::vector<float> input = std::vector<float>(kMixerInputs * kMixerHidden);
    std::vector<float> hidden_bias = std::vector<float>(kMixerHidden);
    std::vector<float> output = std::vector<float>(kMixerHidden);
    std::vector<float> skip = std::vector<float>(kMixerInputs);
    float bias = 0;
  };
  /// CHECKs the sizes.
  explicit Mixer(Weights weights);
  /// Fails with kUnreadable as write_safetensors does.
  Result<void> write(const std::filesystem::path& path) const;

  /// Of each byte of `input`, within +-kMaxBoost.
  void boosts(const MixerInput& input, std::span<float> out) const;
  static constexpr float kMaxBoost = 16;

 private:
  Weights weights_;
};

}  // namespace octet::engine

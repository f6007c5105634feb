// From samples to weights: what the inputs tell is learned, and the weights do what the training saw.
#include <cmath>
#include <cstdint>
#include <random>

#include <catch2/catch.hpp>

#include "bytemodel/training/mixer/mixer_trainer.h"

namespace octet::tests {
namespace {

namespace training = bytemodel::training;

/// Places of three bytes that the net holds for equally likely; input 7 of a byte tells whether it is the right one, nine times in ten.
training::MixerSamples telling_samples(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  training::MixerSamples samples;
  samples.first.push_back(0);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t right = random() % 3;
    const std::size_t told = random() % 10 == 0 ? (right + 1) % 3 : right;
    samples.shared.insert(samples.shared.end(), engine::kSharedInputs, c10::Half(0.5F));
    for (std::size_t b = 0; b < 3; ++b) {
      std::vector<c10::Half> inputs(engine::kByteInputs, c10::Half(0.0F));
      inputs[7] = b == told ? 1.0F : 0.0F;
      samples.of_byte.insert(samples.of_byte.end(), inputs.begin(), inputs.end());
      samples.log_net.push_back(std::log(0.3F));
    }
    samples.answer.push_back(static_cast<std::int64_t>(samples.first.back() + right));
    samples.first.push_back(samples.first.back() + 3);
  }
  return samples;
}

}  // namespace

TEST_CASE("the mixer learns what its inputs tell, on other samples as well, and the same again from the same seed") {
  const auto samples = telling_samples(20000, 1);
  training::MixerTrainOptions options;
  options.epochs = 2;
  const engine::Mixer mixer = training::train_mixer(samples, options);
  // The net alone needs log2(1 / 0.3) = 1.737 bits; who knows the 9 in 10 needs 0.469 and a bit for the tenth's two: 0.569.
  const auto others = telling_samples(5000, 2);
  const double gain = training::mixer_gain(others, mixer);
  CHECK(gain > 1.0);
  CHECK(gain < 1.3);
  CHECK(training::mixer_gain(others, training::train_mixer(samples, options)) == gain);
}

TEST_CASE("samples that tell nothing leave the net nearly as it is") {
  auto samples = telling_samples(8000, 3);
  for (auto& input : samples.of_byte) input = c10::Half(0.0F);
  training::MixerTrainOptions options;
  options.epochs = 1;
  const double gain = training::mixer_gain(samples, training::train_mixer(samples, options));
  CHECK(gain > -0.01);
  CHECK(gain < 0.16);  // that the three have all of the probability: log2(1 / 0.9)
}

}  // namespace octet::tests

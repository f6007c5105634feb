// From samples to the mixer's weights: cross-entropy of the mixture, Adam, a rate that falls to nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "bytemodel/training/mixer/mixer_samples.h"
#include "engine/memory/mixer.h"

namespace octet::bytemodel::training {

struct MixerTrainOptions {
  int epochs = 4;
  std::int64_t batch = 256;
  double rate = 3e-3;
  std::uint64_t seed = 1;
  std::function<void(const std::string&)> say;
};

/// CHECKs that there is at least one batch of samples. The same samples, options and number of LibTorch's threads give the same weights.
engine::Mixer train_mixer(const MixerSamples& samples, const MixerTrainOptions& options);

/// By how many bits a byte the mixture is better than the net alone; negative where it is worse.
double mixer_gain(const MixerSamples& samples, const engine::Mixer& mixer);

}  // namespace octet::bytemodel::training

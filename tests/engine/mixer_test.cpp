// The mixture of net and memory as a distribution, and the file of its weights.
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "bytemodel/model_writer.h"
#include "engine/memory/mixer.h"
#include "kernels/reference/math.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

using engine::ByteMask;
using engine::Mixer;

std::array<float, engine::kVocabulary> random_logits(std::mt19937& random, bool with_nan) {
  std::array<float, engine::kVocabulary> logits{};
  for (float& logit : logits) {
    logit = static_cast<float>(random() % 40) / 4.0F;  // coarse, so that there are ties
    if (with_nan && random() % 8 == 0) logit = std::numeric_limits<float>::quiet_NaN();
  }
  return logits;
}

ByteMask random_mask(std::mt19937& random, unsigned one_in) {
  ByteMask mask{};
  for (auto& allowed : mask) allowed = random() % one_in == 0;
  mask[random() % mask.size()] = true;
  return mask;
}

engine::Evidence random_evidence(std::mt19937& random) {
  engine::Evidence evidence;
  const std::size_t n = random() % (engine::Evidence::kMostRemembered + 1);
  while (evidence.n_bytes < n) evidence.index_of(static_cast<std::uint8_t>(random() % 0xF5));
  for (std::size_t i = 0; i < evidence.n_bytes; ++i) {
    auto& byte = evidence.of_byte[engine::kWorkspace][i];
    auto& all = evidence.of_source[engine::kWorkspace];
    byte.longest = 4 + static_cast<std::uint32_t>(random() % 40);
    all.longest = std::max(all.longest, byte.longest);
    for (std::size_t level = 0; level < engine::kMatchLevels.size() && byte.longest >= engine::kMatchLevels[level]; ++level) {
      byte.n[level] = static_cast<std::uint16_t>(1 + random() % 5);
      all.n[level] = static_cast<std::uint16_t>(all.n[level] + byte.n[level]);
      ++all.n_bytes[level];
    }
  }
  return evidence;
}

Mixer random_mixer(std::mt19937& random) {
  std::normal_distribution<float> normal;
  Mixer::Weights weights;
  for (auto* values : {&weights.input, &weights.hidden_bias, &weights.output, &weights.skip}) {
    for (float& value : *values) value = 0.2F * normal(random);
  }
  weights.bias = 0.1F;
  return Mixer(weights);
}

}  // namespace

TEST_CASE("the net's best byte is the one that is chosen without memory, and the next two follow") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 3000; ++trial) {
    const auto logits = random_logits(random, trial % 3 == 0);
    ByteMask mask = random_mask(random, 1 + static_cast<unsigned>(random() % 60));
    const engine::NetRow net(logits, mask);
    const auto choice = engine::choose(logits, mask);
    REQUIRE(net.is_valid == (choice && !std::isnan(choice->probability)));
    if (!choice) continue;
    REQUIRE(net.best == choice->byte);
    if (net.is_valid) {
      REQUIRE(std::exp(net.log_best) == Approx(choice->probability).margin(1e-6));
    }
    ByteMask others = mask;
    others[net.best] = false;
    const auto second = engine::choose_byte(logits, others);
    REQUIRE(net.second == second.value_or(net.best));
    others[net.second] = false;
    REQUIRE(net.third == engine::choose_byte(logits, others).value_or(net.second));
  }
}

TEST_CASE("the mixture is a distribution over the allowed bytes, and its best byte is the likeliest of them") {
  std::mt19937 random(2);
  for (int trial = 0; trial < 1500; ++trial) {
    const auto logits = random_logits(random, false);
    const ByteMask mask = random_mask(random, trial % 2 == 0 ? 1 : 4);
    const Mixer mixer = random_mixer(random);
    const engine::NetRow net(logits, mask);
    const engine::MixerInput input(net, random_evidence(random));
    std::array<float, engine::Evidence::kMostBytes> boosts{};
    mixer.boosts(input, boosts);
    const engine::Mixture mixture(net, input, boosts);
    double total = 0;
    float likeliest = 0;
    for (std::size_t byte = 0; byte < mask.size(); ++byte) {
      if (!mask[byte]) continue;
      const float probability = mixture.probability(static_cast<std::uint8_t>(byte));
      total += static_cast<double>(probability);
      likeliest = std::max(likeliest, probability);
    }
    REQUIRE(total == Approx(1).margin(2e-3));  // what is nearly nothing is kept from being nothing
    const engine::Choice best = mixture.best();
    REQUIRE(mask[best.byte]);
    REQUIRE(best.probability == Approx(likeliest).epsilon(1e-5));
    REQUIRE(mixture.probability(best.byte) == Approx(best.probability).epsilon(1e-5));
  }
}

TEST_CASE("weights of nothing leave the net's distribution as it is") {
  std::mt19937 random(3);
  const Mixer mixer{Mixer::Weights()};
  for (int trial = 0; trial < 300; ++trial) {
    const auto logits = random_logits(random, false);
    ByteMask mask;
    mask.fill(true);
    const engine::NetRow net(logits, mask);
    const engine::MixerInput input(net, random_evidence(random));
    std::array<float, engine::Evidence::kMostBytes> boosts{};
    mixer.boosts(input, boosts);
    const auto best = engine::Mixture(net, input, boosts).best();
    const auto choice = engine::choose(logits, mask);
    REQUIRE(logits[best.byte] == logits[choice->byte]);
    REQUIRE(best.probability == Approx(choice->probability).epsilon(1e-3));
  }
}

TEST_CASE("a mixer that was written is read with the same numbers, and anything else is refused with a reason") {
  std::mt19937 random(4);
  const ScratchFolder folder;
  const Mixer mixer = random_mixer(random);
  const auto path = folder / "mixer.safetensors";
  REQUIRE(mixer.write(path).has_value());
  const auto read = Mixer::read(path);
  REQUIRE(read.has_value());
  const auto logits = random_logits(random, false);
  ByteMask mask;
  mask.fill(true);
  const engine::NetRow net(logits, mask);
  const engine::MixerInput input(net, random_evidence(random));
  std::array<float, engine::Evidence::kMostBytes> a{};
  std::array<float, engine::Evidence::kMostBytes> b{};
  mixer.boosts(input, a);
  read->boosts(input, b);
  CHECK(a == b);

  CHECK(Mixer::read(folder / "nowhere").error().code == ErrorCode::kNotFound);
  const std::vector<float> few(3, NAN);
  const auto write = [&](const char* name, std::vector<std::int64_t> shape, const char* format) {
    bytemodel::TensorView view{name, bytemodel::DType::kF32, std::move(shape), std::as_bytes(std::span(few))};
    REQUIRE(bytemodel::write_safetensors(path, std::span(&view, 1), {{"format", format}}).has_value());
    const auto refused = Mixer::read(path);
    REQUIRE_FALSE(refused.has_value());
    return refused.error();
  };
  CHECK(write("input", {3}, "octet-1").code == ErrorCode::kUnsupported);
  CHECK(write("other", {3}, "octet-mixer-1").message.find("tensor input is missing") != std::string::npos);
  CHECK(write("input", {3}, "octet-mixer-1").message.find("expected " + std::to_string(engine::kMixerInputs * engine::kMixerHidden)) !=
        std::string::npos);
}

TEST_CASE("the logarithm is within 2e-7 of the library's") {
  std::mt19937 random(5);
  for (int trial = 0; trial < 200000; ++trial) {
    const float x =
        std::ldexp(1.0F + static_cast<float>(random() % (1U << 23)) / static_cast<float>(1U << 23), static_cast<int>(random() % 250) - 125);
    const double exact = std::log(static_cast<double>(x));
    REQUIRE(std::abs(static_cast<double>(kernels::reference::log(x)) - exact) <= 2e-7 * std::max(1.0, std::abs(exact)));
  }
}

}  // namespace octet::tests

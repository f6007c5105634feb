// What the mixer sees at one place: numbers about the net's row and the memory's evidence.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/decode/utf8_gate.h"
#include "engine/memory/evidence.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

namespace mixer_details {
inline constexpr std::size_t kLevels = kMatchLevels.size();
inline constexpr std::size_t kKinds = kCountedKinds.size();
}  // namespace mixer_details

/// Numbers about the place: of the net 2, of each source 6, 2 for each level, 1 for each kind.
inline constexpr std::size_t kSharedInputs = 2 + kSources * (6 + 2 * mixer_details::kLevels + mixer_details::kKinds);
/// Numbers about one byte: of the net 3, blends 3, nearness 2; of each source 7, 2 for each level, 3 for each kind.
inline constexpr std::size_t kByteInputs = 3 + 3 + 2 + kSources * (7 + 2 * mixer_details::kLevels + 3 * mixer_details::kKinds);

/// The net's distribution over the allowed bytes of a row.
struct NetRow {
  /// is_valid is false where an allowed logit is NaN: then there is no distribution.
  NetRow(LogitsRow logits, const ByteMask& allowed_bytes);

  float log_probability(std::uint8_t byte) const { return logits[byte] - logits[best] + log_best; }

  LogitsRow logits;
  const ByteMask& allowed;
  bool is_valid = false;
  std::uint8_t best = 0;
  std::uint8_t second = 0;  // best where only one byte is allowed
  std::uint8_t third = 0;   // second where there are only two
  float log_best = 0;       // the natural logarithm of its probability
};

/// The probabilities of the evidence's bytes by the memory alone; what it does not know has the rest.
std::array<float, Evidence::kMostBytes> memory_blend(const Evidence& evidence);

struct MixerInput {
  /// Of the bytes that the memory knows and the net's two best; of the control bytes, none.
  MixerInput(const NetRow& net, const Evidence& evidence);
  MixerInput() = default;

  std::size_t n_bytes = 0;
  std::array<std::uint8_t, Evidence::kMostBytes> bytes{};
  std::array<float, Evidence::kMostBytes> log_net{};  // their probabilities by the net
  std::array<float, kSharedInputs> shared{};
  std::array<std::array<float, kByteInputs>, Evidence::kMostBytes> of_byte{};
};

}  // namespace octet::engine

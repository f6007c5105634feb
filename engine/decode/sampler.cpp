#include "engine/decode/sampler.h"

#include "kernels/cpu/kernel_table.h"
#include "kernels/reference/ops.h"

namespace octet::engine {

namespace ref = kernels::reference;

std::optional<std::uint8_t> choose_byte(LogitsRow row, const ByteMask& allowed) {
  const int best = ref::masked_argmax(row.data(), allowed.data(), static_cast<int>(row.size()));
  if (best == static_cast<int>(row.size())) return std::nullopt;
  return static_cast<std::uint8_t>(best);
}

float probability_of(LogitsRow row, const ByteMask& allowed, std::uint8_t byte) {
  static const auto probability_at = kernels::select_kernels("")->masked_softmax_at;  // the same bits in every table
  return probability_at(row.data(), allowed.data(), static_cast<int>(row.size()), byte);
}

std::optional<Choice> choose(LogitsRow row, const ByteMask& allowed) {
  const auto byte = choose_byte(row, allowed);
  if (!byte) return std::nullopt;
  return Choice{*byte, probability_of(row, allowed, *byte)};
}

}  // namespace octet::engine

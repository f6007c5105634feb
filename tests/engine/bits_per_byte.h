// How well a runner predicts a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "engine/model/model_runner.h"

namespace octet::tests {

/// The mean of -log2 p of each byte behind the first, under the primary head.
inline double bits_per_byte(engine::ModelRunner& runner, std::span<const std::uint8_t> text) {
  const auto cache = runner.new_cache();
  double bits = 0;
  const std::size_t n = text.size() - 1;
  for (std::size_t begin = 0; begin < n; begin += runner.max_batch()) {
    const auto block = text.subspan(begin, std::min(runner.max_batch(), n - begin));
    const auto rows = runner.forward(block, *cache, engine::ModelRunner::Rows::kAll);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      double total = 0;
      for (const float logit : rows[i]) total += std::exp(static_cast<double>(logit));
      bits -= (static_cast<double>(rows[i][text[begin + i + 1]]) - std::log(total)) / std::log(2.0);
    }
  }
  return bits / static_cast<double>(n);
}

}  // namespace octet::tests

#include "kernels/int8/packed.h"

#include <algorithm>

namespace octet::kernels::int8 {

void pack(const std::int8_t* rows, int n, int k, std::int8_t* values, std::int32_t* biases) {
  const int quads = n_quads(k);
  std::fill_n(values, packed_bytes(n, k), std::int8_t{0});
  if (biases != nullptr) std::fill_n(biases, n_panels(n) * kPanel, 0);
  for (int row = 0; row < n; ++row) {
    std::int8_t* panel = values + static_cast<std::ptrdiff_t>(row / kPanel) * quads * kLine + row % kPanel * kQuad;
    for (int col = 0; col < k; ++col) {
      const std::int8_t value = rows[static_cast<std::ptrdiff_t>(row) * k + col];
      panel[static_cast<std::ptrdiff_t>(col / kQuad) * kLine + col % kQuad] = value;
      if (biases != nullptr) biases[row] += 128 * value;
    }
  }
}

}  // namespace octet::kernels::int8

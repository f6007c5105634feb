#include "kernels/cpu/kernel_table.h"

#include <array>

namespace octet::kernels {

namespace baseline {
extern const KernelTable kTable;
}
namespace avx2 {
extern const KernelTable kTable;
}

std::span<const KernelTable* const> supported_kernels() {
  static constexpr std::array<const KernelTable*, 2> kBestFirst{&avx2::kTable, &baseline::kTable};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  return std::span(kBestFirst).subspan(has_avx2 ? 0 : 1);
}

const KernelTable* select_kernels(std::string_view forced) {
  for (const KernelTable* table : supported_kernels()) {
    if (forced.empty() || forced == table->isa) return table;
  }
  return nullptr;
}

}  // namespace octet::kernels

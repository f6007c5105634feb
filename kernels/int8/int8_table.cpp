#include <cpuid.h>

#include <array>
#include <utility>

#include "kernels/int8/int8_kernels.h"

namespace octet::kernels {

namespace int8_baseline {
extern const int8::Kernels kTable;
}
namespace int8_avx2 {
extern const int8::Kernels kTable;
}
namespace int8_avx_vnni {
extern const int8::Kernels kTable;
}
namespace int8_avx512_vnni {
extern const int8::Kernels kTable;
}

namespace int8 {
namespace {

bool has_avx512_vnni() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

/// Not every compiler's __builtin_cpu_supports knows this name. Source: Intel SDM, CPUID, leaf 7, subleaf 1, EAX bit 4.
bool has_avx_vnni() {
  unsigned eax = 0;
  unsigned unused = 0;
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &eax, &unused, &unused, &unused) != 0 && (eax >> 4 & 1) != 0;
}

}  // namespace

std::span<const Kernels* const> supported() {
  static constexpr std::array<const Kernels*, 4> kBestFirst{&int8_avx512_vnni::kTable, &int8_avx_vnni::kTable, &int8_avx2::kTable,
                                                            &int8_baseline::kTable};
  static const std::array<bool, 4> is_there{has_avx512_vnni(), has_avx_vnni(), __builtin_cpu_supports("avx2") != 0, true};
  static const auto tables = [] {
    std::array<const Kernels*, 4> found{};
    std::size_t n = 0;
    for (std::size_t i = 0; i < is_there.size(); ++i) {
      if (is_there[i]) found[n++] = kBestFirst[i];
    }
    return std::pair(found, n);
  }();
  return std::span(tables.first).first(tables.second);
}

const Kernels* select(std::string_view forced) {
  for (const Kernels* table : supported()) {
    if (forced.empty() || forced == table->isa) return table;
  }
  return nullptr;
}

}  // namespace int8
}  // namespace octet::kernels

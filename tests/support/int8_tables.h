// All int8 kernels that can run here: the processor's own, and those of other processors from the same source over SIMDe.
// A test program that includes this links the objects of octet_emulated_kernels (tests/kernels/CMakeLists.txt).
#pragma once

#include <vector>

#include "kernels/int8/int8_kernels.h"

namespace octet::kernels::int8_avx_vnni_emulated {
extern const int8::Kernels kTable;
}
namespace octet::kernels::int8_avx512_vnni_emulated {
extern const int8::Kernels kTable;
}

namespace octet::tests {

inline std::vector<const kernels::int8::Kernels*> emulated_int8_tables() {
  return {&kernels::int8_avx_vnni_emulated::kTable, &kernels::int8_avx512_vnni_emulated::kTable};
}

inline std::vector<const kernels::int8::Kernels*> int8_tables() {
  const auto supported = kernels::int8::supported();
  std::vector<const kernels::int8::Kernels*> tables(supported.begin(), supported.end());
  for (const auto* table : emulated_int8_tables()) tables.push_back(table);
  return tables;
}

}  // namespace octet::tests

#include <array>

#include "kernels/training/training_kernels.h"

namespace octet::kernels {

namespace training_baseline {
extern const TrainingKernels kTable;
}
namespace training_avx2 {
extern const TrainingKernels kTable;
}
namespace training_avx512 {
extern const TrainingKernels kTable;
}
namespace training_avx512_bf16 {
extern const TrainingKernels kTable;
}

std::span<const TrainingKernels* const> supported_training_kernels() {
  static constexpr std::array<const TrainingKernels*, 4> kBestFirst{&training_avx512_bf16::kTable, &training_avx512::kTable,
                                                                    &training_avx2::kTable, &training_baseline::kTable};
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  static const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                                 __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  static const bool has_avx512_bf16 = has_avx512 && __builtin_cpu_supports("avx512bf16") != 0;
  return std::span(kBestFirst).subspan(has_avx512_bf16 ? 0 : has_avx512 ? 1 : has_avx2 ? 2 : 3);
}

}  // namespace octet::kernels

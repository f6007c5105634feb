// Products of a long chunk by cuBLASLt, where it is installed. Included by .cu files.
#pragma once

#include "kernels/cuda/arguments.h"
#include "kernels/cuda/cublas_lt.h"
#include "kernels/cuda/machine.h"

namespace octet::kernels::cuda {

class Matmul {
 public:
  /// Whether cuBLASLt is there and knows a way; it is looked for at the first call.
  bool can_multiply(const MatmulShape& shape);

  /// Queues a product that can_multiply() has said yes to. nullptr, or what is wrong.
  const char* launch(const MatmulArgs& args, Stream stream);

  /// Gives back what it holds. That waits for the GPU; where it hangs cuBLASLt itself is left.
  void close(bool is_hanging);

 private:
  static constexpr int kMaxPlans = 16;

  /// weights, of [n, k], are transposed for it, and all three matrices are its columns.
  struct Plan {
    MatmulShape shape;
    cublasLtMatmulDesc_t product = nullptr;
    cublasLtMatrixLayout_t weights = nullptr;
    cublasLtMatrixLayout_t rows = nullptr;
    cublasLtMatrixLayout_t sums = nullptr;
    cublasLtMatmulAlgo_t algorithm;
  };

  bool open();
  bool describe(Plan& plan, const MatmulShape& shape);
  bool choose(Plan& plan);
  void forget(Plan& plan);
  const Plan* find(const MatmulShape& shape) const;

  CublasLt cublas_;
  cublasLtHandle_t handle_ = nullptr;
  bool has_tried_ = false;
  Plan plans_[kMaxPlans];
  int n_plans_ = 0;
};

}  // namespace octet::kernels::cuda

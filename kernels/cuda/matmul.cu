#include "kernels/cuda/matmul.h"

#include <cstdio>

#ifdef __CUDACC__
#include <dlfcn.h>
#endif

namespace octet::kernels::cuda {
namespace {

#ifdef __CUDACC__
/// The library of the version that this was compiled with: another one has other structures.
bool load(CublasLt& cublas) {
  char name[80];
  void* library = nullptr;
  for (const char* folder : {"", "/usr/local/cuda/lib64/"}) {
    std::snprintf(name, sizeof(name), "%slibcublasLt.so.%d", folder, CUBLAS_VER_MAJOR);
    if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);  // stays loaded, as the driver does
  }
  if (library == nullptr) return false;
  bool is_whole = true;
#define OCTET_FIND(name)                                                                   \
  cublas.name = reinterpret_cast<decltype(cublas.name)>(dlsym(library, "cublasLt" #name)); \
  is_whole = is_whole && cublas.name != nullptr;
  OCTET_CUBLAS_LT_FUNCTIONS(OCTET_FIND)
#undef OCTET_FIND
  return is_whole;
}
#else
bool load(CublasLt& cublas) {
#define OCTET_TAKE(name) cublas.name = cublasLt##name;
  OCTET_CUBLAS_LT_FUNCTIONS(OCTET_TAKE)
#undef OCTET_TAKE
  return true;
}
#endif

constexpr bool is_fine(cublasStatus_t status) { return status == CUBLAS_STATUS_SUCCESS; }

}  // namespace

void Matmul::close(bool is_hanging) {
  while (n_plans_ > 0) forget(plans_[--n_plans_]);
  if (handle_ != nullptr && !is_hanging) cublas_.Destroy(handle_);
  handle_ = nullptr;
}

bool Matmul::open() {
  if (has_tried_) return handle_ != nullptr;
  has_tried_ = true;
  if (!load(cublas_) || !is_fine(cublas_.Create(&handle_))) handle_ = nullptr;
  return handle_ != nullptr;
}

const Matmul::Plan* Matmul::find(const MatmulShape& shape) const {
  for (int i = 0; i < n_plans_; ++i) {
    if (plans_[i].shape == shape) return &plans_[i];
  }
  return nullptr;
}

bool Matmul::describe(Plan& plan, const MatmulShape& shape) {
  const bool is_int8 = shape.format == Format::kInt8;
  const cudaDataType_t number = is_int8 ? CUDA_R_8I : CUDA_R_16BF;
  const cudaDataType_t sum = is_int8 ? CUDA_R_32I : CUDA_R_32F;
  const auto n = static_cast<std::uint64_t>(shape.n);
  const auto k = static_cast<std::uint64_t>(shape.k);
  const auto n_rows = static_cast<std::uint64_t>(shape.n_rows);
  const cublasOperation_t transposed = CUBLAS_OP_T;
  plan.shape = shape;
  return is_fine(cublas_.MatmulDescCreate(&plan.product, is_int8 ? CUBLAS_COMPUTE_32I : CUBLAS_COMPUTE_32F, sum)) &&
         is_fine(cublas_.MatmulDescSetAttribute(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof(transposed))) &&
         is_fine(cublas_.MatrixLayoutCreate(&plan.weights, number, k, n, shape.k)) &&
         is_fine(cublas_.MatrixLayoutCreate(&plan.rows, number, k, n_rows, shape.k)) &&
         is_fine(cublas_.MatrixLayoutCreate(&plan.sums, sum, n, n_rows, shape.n));
}

bool Matmul::choose(Plan& plan) {
  cublasLtMatmulPreference_t preference = nullptr;
  if (!is_fine(cublas_.MatmulPreferenceCreate(&preference))) return false;
  const std::size_t workspace = kMatmulWorkspace;
  cublasLtMatmulHeuristicResult_t best{};
  int n_found = 0;
  const bool is_found =
      is_fine(cublas_.MatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof(workspace))) &&
      is_fine(cublas_.MatmulAlgoGetHeuristic(handle_, plan.product, plan.weights, plan.rows, plan.sums, plan.sums, preference, 1, &best,
                                             &n_found)) &&
      n_found == 1 && is_fine(best.state);
  cublas_.MatmulPreferenceDestroy(preference);
  plan.algorithm = best.algo;
  return is_found;
}

void Matmul::forget(Plan& plan) {
  for (cublasLtMatrixLayout_t layout : {plan.weights, plan.rows, plan.sums}) {
    if (layout != nullptr) cublas_.MatrixLayoutDestroy(layout);
  }
  if (plan.product != nullptr) cublas_.MatmulDescDestroy(plan.product);
  plan = {};
}

bool Matmul::can_multiply(const MatmulShape& shape) {
  if (!open()) return false;
  if (find(shape) != nullptr) return true;
  if (n_plans_ == kMaxPlans) return false;
  Plan& plan = plans_[n_plans_];
  if (describe(plan, shape) && choose(plan)) {
    ++n_plans_;
    return true;
  }
  forget(plan);
  return false;
}

const char* Matmul::launch(const MatmulArgs& args, Stream stream) {
  const Plan* plan = find(args.shape);
  if (plan == nullptr) return "a shape that nobody asked for";
  const std::int32_t whole_one = 1;
  const std::int32_t whole_zero = 0;
  const float one = 1;
  const float zero = 0;
  const bool is_int8 = args.shape.format == Format::kInt8;
  const void* alpha = is_int8 ? static_cast<const void*>(&whole_one) : &one;
  const void* beta = is_int8 ? static_cast<const void*>(&whole_zero) : &zero;
  const cublasStatus_t status =
      cublas_.Matmul(handle_, plan->product, alpha, args.weights, plan->weights, args.rows, plan->rows, beta, args.sums, plan->sums,
                     args.sums, plan->sums, &plan->algorithm, args.workspace, kMatmulWorkspace, stream);
  return is_fine(status) ? nullptr : cublas_.GetStatusString(status);
}

}  // namespace octet::kernels::cuda

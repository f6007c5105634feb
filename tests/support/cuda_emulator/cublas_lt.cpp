#include "tests/support/cuda_emulator/cublas_lt.h"

#include <cstring>
#include <set>

#include "kernels/cuda/bf16.h"

using octet::cuda_emulator::counts;
using octet::cuda_emulator::machine;
using octet::kernels::cuda::from_bf16;

namespace {

constexpr int kPoison = 0xFF;

/// What a program leaves with a GPU that hangs is no leak.
std::set<cublasLtHandle_t>& handles() {
  static auto* handles = new std::set<cublasLtHandle_t>;
  return *handles;
}

/// Destroying counts: what is left is a leak, which the address sanitizer sees.
template <class T>
cublasStatus_t destroy(T* object) {
  delete object;
  return CUBLAS_STATUS_SUCCESS;
}

bool is_consistent(const FakeProduct& product, const FakeLayout& a, const FakeLayout& b, const FakeLayout& d) {
  const bool is_of_integers = a.type == CUDA_R_8I;
  const bool has_types =
      is_of_integers ? b.type == CUDA_R_8I && d.type == CUDA_R_32I && product.compute == CUBLAS_COMPUTE_32I && product.scale == CUDA_R_32I
                     : a.type == CUDA_R_16BF && b.type == CUDA_R_16BF && d.type == CUDA_R_32F && product.compute == CUBLAS_COMPUTE_32F &&
                           product.scale == CUDA_R_32F;
  const std::uint64_t a_outer = product.of_a == CUBLAS_OP_T ? a.cols : a.rows;
  const std::uint64_t a_inner = product.of_a == CUBLAS_OP_T ? a.rows : a.cols;
  const auto fits = [](const FakeLayout& layout) { return layout.ld >= static_cast<std::int64_t>(layout.rows); };
  if (!has_types || a_inner != b.rows || a_outer != d.rows || b.cols != d.cols || !fits(a) || !fits(b) || !fits(d)) return false;
  if (!is_of_integers) return true;
  return product.of_a == CUBLAS_OP_T && a.ld % 4 == 0 && b.ld % 4 == 0 && d.ld % 4 == 0 && a_inner % 4 == 0 && a_outer % 4 == 0;
}

bool is_aligned(const void* address) { return reinterpret_cast<std::uintptr_t>(address) % 256 == 0; }

/// Element (row, col) of a matrix that may be transposed.
template <class T>
T element(const void* values, const FakeLayout& layout, bool is_transposed, std::uint64_t row, std::uint64_t col) {
  if (is_transposed) std::swap(row, col);
  T value;
  const auto at = static_cast<std::size_t>(col) * static_cast<std::size_t>(layout.ld) + row;
  std::memcpy(&value, static_cast<const std::byte*>(values) + at * sizeof(T), sizeof(T));
  return value;
}

template <class T, class Sum, class Widen>
void multiply(const FakeProduct& product, const void* a, const FakeLayout& of_a, const void* b, const FakeLayout& of_b, void* d,
              const FakeLayout& of_d, Widen widen) {
  for (std::uint64_t col = 0; col < of_d.cols; ++col) {
    for (std::uint64_t row = 0; row < of_d.rows; ++row) {
      Sum sum = 0;
      for (std::uint64_t k = of_b.rows; k-- > 0;) {
        sum += widen(element<T>(a, of_a, product.of_a == CUBLAS_OP_T, row, k)) * widen(element<T>(b, of_b, false, k, col));
      }
      const auto at = static_cast<std::size_t>(col) * static_cast<std::size_t>(of_d.ld) + row;
      std::memcpy(static_cast<std::byte*>(d) + at * sizeof(Sum), &sum, sizeof(Sum));
    }
  }
}

}  // namespace

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (!machine().has_cublas) return CUBLAS_STATUS_NOT_INITIALIZED;
  *handle = new FakeCublas;
  handles().insert(*handle);
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  handles().erase(handle);
  return destroy(handle);
}

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "the operation completed successfully";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality requested is not supported";
  }
  return "unknown";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t compute, cudaDataType_t scale) {
  *product = new FakeProduct{compute, scale};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) { return destroy(product); }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t, const void* value,
                                              std::size_t n_bytes) {
  if (n_bytes != sizeof(product->of_a)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&product->of_a, value, n_bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, std::uint64_t rows, std::uint64_t cols,
                                          std::int64_t ld) {
  *layout = new FakeLayout{type, rows, cols, ld};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) { return destroy(layout); }

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new FakePreference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) { return destroy(preference); }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t,
                                                    const void* value, std::size_t n_bytes) {
  if (n_bytes != sizeof(preference->workspace)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&preference->workspace, value, n_bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t product, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int n_wanted, cublasLtMatmulHeuristicResult_t* found,
                                              int* n_found) {
  *n_found = 0;
  const auto asked = static_cast<int>(counts().products_asked++);
  if (n_wanted < 1 || c != d || !is_consistent(*product, *a, *b, *d)) return CUBLAS_STATUS_NOT_SUPPORTED;
  // Where there is no way either the call says so or what it has found.
  const bool is_known = asked != machine().unknown_product;
  if (!is_known && asked % 2 == 0) return CUBLAS_STATUS_NOT_SUPPORTED;
  *n_found = 1;
  found[0] = {{preference->workspace, is_known}, preference->workspace, is_known ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d, cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
  const bool is_of_integers = a_layout->type == CUDA_R_8I;
  const std::int32_t whole_one = 1;
  const float one = 1;
  const std::int32_t zero = 0;  // of floats, too
  if (!algorithm->is_chosen || workspace_bytes < algorithm->workspace || c != d || c_layout != d_layout || !is_aligned(a) ||
      !is_aligned(b) || !is_aligned(d) || !is_aligned(workspace) || std::memcmp(beta, &zero, 4) != 0 ||
      std::memcmp(alpha, is_of_integers ? static_cast<const void*>(&whole_one) : &one, 4) != 0) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  octet::cuda_emulator::queue_work(stream, [=, product = *product, of_a = *a_layout, of_b = *b_layout, of_d = *d_layout] {
    ++counts().products;
    std::memset(workspace, kPoison, workspace_bytes < 4096 ? workspace_bytes : 4096);
    if (is_of_integers) {
      multiply<std::int8_t, std::int32_t>(product, a, of_a, b, of_b, d, of_d, [](std::int8_t value) { return std::int32_t{value}; });
    } else {
      multiply<std::uint16_t, float>(product, a, of_a, b, of_b, d, of_d, [](std::uint16_t value) { return from_bf16(value); });
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}

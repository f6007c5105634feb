// What of cuBLASLt is used: names and types from its header, functions from its library, which is loaded at run time since many have no
// need of its hundreds of megabytes. The tests have a header and functions of their own. Included by .cu files.
#pragma once

#ifdef __CUDACC__
#include <cublasLt.h>
#else
#include OCTET_CUDA_CUBLAS_LT
#endif

namespace octet::kernels::cuda {

#define OCTET_CUBLAS_LT_FUNCTIONS(use)                                                                                   \
  use(Create) use(Destroy) use(GetStatusString) use(MatmulDescCreate) use(MatmulDescDestroy) use(MatmulDescSetAttribute) \
      use(MatrixLayoutCreate) use(MatrixLayoutDestroy) use(MatmulPreferenceCreate) use(MatmulPreferenceDestroy)          \
          use(MatmulPreferenceSetAttribute) use(MatmulAlgoGetHeuristic) use(Matmul)

struct CublasLt {
#define OCTET_MEMBER(name) decltype(&cublasLt##name) name = nullptr;
  OCTET_CUBLAS_LT_FUNCTIONS(OCTET_MEMBER)
#undef OCTET_MEMBER
};

}  // namespace octet::kernels::cuda

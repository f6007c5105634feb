// What a kernel's thread has beyond C++: shared memory, barriers, shuffles, products of fragments, async copies. The .cu files are
// compiled by nvcc over gpu_machine.h, and by the tests' C++ compiler over an emulator that names its header in OCTET_CUDA_MACHINE and
// has the same names.
#pragma once

#ifdef __CUDACC__
#include "kernels/cuda/gpu_machine.h"
#else
#include OCTET_CUDA_MACHINE
#endif

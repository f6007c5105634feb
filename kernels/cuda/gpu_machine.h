// machine.h for nvcc. Shared memory is taken by words of 4, 8 or 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace octet::kernels::cuda {

/// Numbers in the block's shared memory.
template <class T>
class Shared {
 public:
  __device__ explicit Shared(T* values) : values_(values) {}
  __device__ T read(int i) const { return values_[i]; }
  __device__ void write(int i, T value) const { values_[i] = value; }
  __device__ Shared from(int i) const { return Shared(values_ + i); }
  /// The same memory as numbers of another size.
  template <class U>
  __device__ Shared<U> as() const {
    return Shared<U>(reinterpret_cast<U*>(values_));
  }
  /// Element i is copied some time before a wait_for_copies() of this thread returns; others see it behind the next barrier.
  __device__ void copy_later(int i, const T* from) const {
    static_assert(sizeof(T) == 16);
    const auto to = static_cast<unsigned>(__cvta_generic_to_shared(values_ + i));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from));
  }

 private:
  T* values_;
};

/// Takes the dynamic shared memory of a launch part by part, as shared_bytes() of numbers adds it up.
class SharedSpace {
 public:
  __device__ SharedSpace() {
    extern __shared__ uint4 memory[];
    next_ = reinterpret_cast<char*>(memory);
  }
  template <class T>
  __device__ Shared<T> take(int n) {
    T* values = reinterpret_cast<T*>(next_);
    next_ += (n * sizeof(T) + 15) / 16 * 16;
    return Shared<T>(values);
  }

 private:
  char* next_;
};

__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;"); }
template <int kOpen>
__device__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kOpen) : "memory");
}

/// sums[16, 8] += a[16, 32] . b[32, 8], int8, each lane with its fragments.
/// Source: PTX ISA, "Matrix fragments for mma.m16n8k32".
__device__ inline void mma_s8_s8(int (&sums)[4], uint4 a, uint2 b) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
               : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
}
/// The same with b from 0 to 255.
__device__ inline void mma_s8_u8(int (&sums)[4], uint4 a, uint2 b) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.u8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
               : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
}

/// sums[16, 8] += a[16, 16] . b[16, 8], bf16.
/// Source: PTX ISA, "Matrix fragments for mma.m16n8k16 with floating point type".
__device__ inline void mma_bf16_bf16(float (&sums)[4], uint4 a, uint2 b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
}

/// Two numbers as bf16 in a word, the first in the lower half; to the nearest, halves to even.
__device__ inline unsigned bf16_pair(float first, float second) {
  unsigned pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

/// The second-level cache fetches what is there; nobody waits.
__device__ inline void prefetch(const void* from) { asm volatile("prefetch.global.L2 [%0];" ::"l"(from)); }

/// What other blocks of this launch have written before they fenced.
template <class T>
__device__ T read_fresh(const T* from) {
  return __ldcg(from);
}

using Stream = cudaStream_t;

/// Queues kernel(args) on `n_blocks` blocks.
template <class Args>
cudaError_t launch(void (*kernel)(Args), dim3 n_blocks, unsigned n_threads, std::size_t shared_bytes, Stream stream, const Args& args) {
  cudaFuncAttributes attributes;
  cudaError_t error = cudaFuncGetAttributes(&attributes, kernel);
  // Only ever more: a graph may hold launches of this kernel that take more than this one.
  if (error == cudaSuccess && static_cast<int>(shared_bytes) > attributes.maxDynamicSharedSizeBytes)
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  if (error != cudaSuccess) return error;
  cudaLaunchConfig_t config{};
  config.gridDim = n_blocks;
  config.blockDim = n_threads;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, args);  // says what it failed at itself, not what others did before
}

}  // namespace octet::kernels::cuda

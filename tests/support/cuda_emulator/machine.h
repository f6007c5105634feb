// kernels/cuda/machine.h on the CPU: the names that nvcc knows, and those of gpu_machine.h, over the scheduler. For .cu files compiled
// as C++ and for kernels of tests; nothing else includes it, since it defines macros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/cuda/bf16.h"
#include "tests/support/cuda_emulator/fragments.h"
#include "tests/support/cuda_emulator/runtime.h"
#include "tests/support/cuda_emulator/scheduler.h"

#define __global__
#define __device__
#define __launch_bounds__(...)
#define threadIdx (::octet::cuda_emulator::thread::thread_index())
#define blockIdx (::octet::cuda_emulator::thread::block_index())
#define blockDim (::octet::cuda_emulator::thread::block_size())
#define gridDim (::octet::cuda_emulator::thread::grid_size())
#define __syncthreads() ::octet::cuda_emulator::thread::meet_block(::octet::cuda_emulator::Site::current())
#define __syncwarp() ::octet::cuda_emulator::thread::meet_warp(::octet::cuda_emulator::Site::current())

struct uint2 {
  unsigned x, y;
};
struct uint4 {
  unsigned x, y, z, w;
};
using dim3 = octet::cuda_emulator::Dim3;

/// Lane l gets what lane l xor lane_mask brought.
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, octet::cuda_emulator::Site site = octet::cuda_emulator::Site::current()) {
  using namespace octet::cuda_emulator;
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  if (mask != 0xFFFFFFFFU) thread::fail("a shuffle of some lanes only", site);
  T result;
  thread::exchange(
      &value, sizeof(T), &result, sizeof(T),
      [](const thread::Exchange& in, thread::Exchange& out, int lanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane)
          std::memcpy(out[lane].data(), in[lane ^ static_cast<std::size_t>(lanes)].data(), sizeof(T));
      },
      lane_mask, site);
  return result;
}

/// Bit l: lane l's predicate.
inline unsigned __ballot_sync(unsigned mask, int predicate, octet::cuda_emulator::Site site = octet::cuda_emulator::Site::current()) {
  using namespace octet::cuda_emulator;
  if (mask != 0xFFFFFFFFU) thread::fail("a vote of some lanes only", site);
  unsigned votes = 0;
  thread::exchange(
      &predicate, sizeof(predicate), &votes, sizeof(votes),
      [](const thread::Exchange& in, thread::Exchange& out, int) {
        unsigned all = 0;
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          int vote;
          std::memcpy(&vote, in[lane].data(), sizeof(vote));
          all |= (vote != 0 ? 1U : 0U) << lane;
        }
        for (auto& lane : out) std::memcpy(lane.data(), &all, sizeof(all));
      },
      0, site);
  return votes;
}

inline void __threadfence() { ::octet::cuda_emulator::thread::fence(); }
template <class T>
T atomicAdd(T* to, T value, octet::cuda_emulator::Site site = octet::cuda_emulator::Site::current()) {
  ::octet::cuda_emulator::thread::count_up(site);
  const T before = *to;
  *to += value;
  return before;
}

namespace octet::kernels::cuda {

namespace emulated = octet::cuda_emulator::thread;
using octet::cuda_emulator::Site;

template <class T>
class Shared {
 public:
  explicit Shared(std::size_t offset) : offset_(offset) {}
  T read(int i, Site site = Site::current()) const {
    T value;
    emulated::read_shared(at(i), &value, sizeof(T), site);
    return value;
  }
  void write(int i, T value, Site site = Site::current()) const { emulated::write_shared(at(i), &value, sizeof(T), site); }
  Shared from(int i) const { return Shared(at(i)); }
  template <class U>
  Shared<U> as() const {
    return Shared<U>(offset_);
  }
  void copy_later(int i, const T* from, Site site = Site::current()) const {
    static_assert(sizeof(T) == 16);
    if (reinterpret_cast<std::uintptr_t>(from) % 16 != 0) emulated::fail("an async copy from an address that is no multiple of 16", site);
    emulated::copy_later(at(i), from, sizeof(T), site);
  }

 private:
  std::size_t at(int i) const {
    return offset_ + static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) * static_cast<std::ptrdiff_t>(sizeof(T)));
  }
  std::size_t offset_;
};

class SharedSpace {
 public:
  template <class T>
  Shared<T> take(int n) {
    const std::size_t offset = next_;
    next_ += (static_cast<std::size_t>(n) * sizeof(T) + 15) / 16 * 16;
    if (next_ > emulated::shared_bytes()) emulated::fail("takes more shared memory than the launch gives", Site::current());
    return Shared<T>(offset);
  }

 private:
  std::size_t next_ = 0;
};

inline void commit_copies() { emulated::commit_copies(); }
template <int kOpen>
void wait_for_copies(Site site = Site::current()) {
  emulated::wait_for_copies(kOpen, site);
}

inline void mma_s8_s8(int (&sums)[4], uint4 a, uint2 b, Site site = Site::current()) {
  cuda_emulator::mma(cuda_emulator::Operands::kS8S8, sums, &a, &b, site);
}
inline void mma_s8_u8(int (&sums)[4], uint4 a, uint2 b, Site site = Site::current()) {
  cuda_emulator::mma(cuda_emulator::Operands::kS8U8, sums, &a, &b, site);
}

inline void mma_bf16_bf16(float (&sums)[4], uint4 a, uint2 b, Site site = Site::current()) {
  cuda_emulator::mma(cuda_emulator::Operands::kBf16, sums, &a, &b, site);
}
inline unsigned bf16_pair(float first, float second) { return to_bf16(first) | static_cast<unsigned>(to_bf16(second)) << 16; }

/// Reads it: what lies outside of an allocation is seen by the address sanitizer.
inline void prefetch(const void* from) { static_cast<void>(*static_cast<const volatile std::byte*>(from)); }

template <class T>
T read_fresh(const T* from, Site site = Site::current()) {
  emulated::read_fresh(site);
  return *from;
}

using Stream = cudaStream_t;

template <class Args>
cudaError_t launch(void (*kernel)(Args), dim3 n_blocks, unsigned n_threads, std::size_t shared_bytes, Stream stream, const Args& args) {
  return cuda_emulator::queue(stream, n_blocks, {n_threads, 1, 1}, shared_bytes, [kernel, args] { kernel(args); });
}

}  // namespace octet::kernels::cuda

// The part of the CUDA runtime's API that kernels/cuda/device.cu calls, on the CPU: memory, one kind of stream, graphs that record and
// replay. Device memory is the heap's, full of poison, so that the address sanitizer sees what is read or written beyond an allocation.
// Work is queued and runs when somebody asks whether it is done.
//
// Faults can be planned: what a machine has, and which call fails how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "tests/support/cuda_emulator/scheduler.h"

/// As in cuda_runtime_api.h, where the numbers matter to nobody.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeRelaxed = 2 };
inline constexpr unsigned cudaStreamNonBlocking = 1;
inline constexpr unsigned cudaEventDisableTiming = 2;

namespace octet::cuda_emulator {
struct FakeStream;
struct FakeGraph;
struct FakeEvent;
}  // namespace octet::cuda_emulator
using cudaStream_t = octet::cuda_emulator::FakeStream*;
using cudaGraph_t = octet::cuda_emulator::FakeGraph*;
using cudaGraphExec_t = octet::cuda_emulator::FakeGraph*;
using cudaEvent_t = octet::cuda_emulator::FakeEvent*;
struct cudaDeviceProp {
  char name[256];
  int major, minor;
  std::size_t sharedMemPerBlockOptin;
};

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int* n);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes);
cudaError_t cudaMalloc(void** memory, std::size_t n_bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t n_bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t n_bytes, cudaStream_t stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery(cudaEvent_t event);

namespace octet::cuda_emulator {

/// What the machine has, and what goes wrong on it. Counts start with set_machine().
struct FakeMachine {
  cudaError_t driver = cudaSuccess;  // what every first call says: cudaErrorInsufficientDriver where there is none or an old one
  int n_devices = 1;
  int major = 9, minor = 0;
  std::size_t memory_bytes = std::size_t{1} << 30;
  std::size_t shared_bytes = 99 << 10;  // of a block
  int failing_allocation = -1;          // the n-th cudaMalloc finds no memory; and the ones behind it
  int failing_step = -1;                // while the n-th launched graph runs an address is illegal; all calls fail from then on
  int hanging_step = -1;                // the n-th launched graph does not end before the next set_machine()
  std::string failing_file;             // as failing_step, from the moment on that this file exists
  int spoilt_step = -1;                 // from the n-th launched graph on, floats that come from the device are NaN
  bool has_cublas = true;               // cuBLASLt is installed
  int unknown_product = -1;             // the n-th product that cuBLASLt is asked about has no way to be computed
};
void set_machine(const FakeMachine& machine);

struct Counts {
  std::size_t allocations = 0;
  std::size_t live_bytes = 0;
  std::size_t graphs_launched = 0;
  std::size_t kernels = 0;   // that ran
  std::size_t products = 0;  // of cuBLASLt that ran
  std::size_t products_asked = 0;
};
const FakeMachine& machine();
Counts& counts();

/// The first rule that a kernel or a call broke since set_machine(), or nothing.
std::string report();

/// Work that is no kernel: recorded where the stream is captured, else queued.
void queue_work(cudaStream_t stream, std::function<void()> work);

/// launch() of a kernel: recorded where the stream is captured, else queued.
cudaError_t queue(cudaStream_t stream, Dim3 grid, Dim3 block, std::size_t shared_bytes, std::function<void()> kernel);

}  // namespace octet::cuda_emulator

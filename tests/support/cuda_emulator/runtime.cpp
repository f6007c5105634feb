#include "tests/support/cuda_emulator/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <new>
#include <set>
#include <vector>

namespace octet::cuda_emulator {

using Work = std::vector<std::function<void()>>;

struct FakeStream {
  bool is_capturing = false;
  Work recorded;
  Work queued;
};
struct FakeGraph {
  Work work;
};
struct FakeEvent {
  FakeStream* stream = nullptr;
};

namespace {

constexpr int kPoison = 0xFF;  // NaN as a float and as bf16
constexpr std::align_val_t kAlignment{256};

struct State {
  FakeMachine machine;
  Counts counts;
  std::string report;
  cudaError_t sticky = cudaSuccess;
  bool is_hanging = false;
  std::map<void*, std::size_t> allocations;
  std::set<const void*> others;  // streams, graphs, events and pinned memory: what a program leaves with a GPU that hangs is no leak
};
State& state() {
  static State* state = new State;
  return *state;
}

/// The result of an API call: the sticky error hides all others.
cudaError_t result(cudaError_t error) { return state().sticky != cudaSuccess ? state().sticky : error; }

void report_wrong(const std::string& what) {
  if (state().report.empty()) state().report = what;
}

/// What a call does that waits until the GPU has done all work.
void wait_for_gpu(const char* call) {
  if (state().is_hanging) report_wrong(std::string(call) + " waits for a GPU that hangs");
}

bool happens(int planned, std::size_t now) { return planned >= 0 && now >= static_cast<std::size_t>(planned); }

void add(FakeStream& stream, std::function<void()> work) {
  (stream.is_capturing ? stream.recorded : stream.queued).push_back(std::move(work));
}

void run_queue(FakeStream& stream) {
  Work work;
  work.swap(stream.queued);
  for (const auto& item : work) {
    if (state().sticky == cudaSuccess) item();
  }
}

void spoil(void* to, std::size_t n_bytes) { std::memset(to, 0xFF, n_bytes / 4 * 4); }

}  // namespace

void set_machine(const FakeMachine& machine) {
  State& s = state();
  const Counts before = s.counts;
  s.machine = machine;
  s.counts = {};
  s.counts.live_bytes = before.live_bytes;
  s.report.clear();
  s.sticky = cudaSuccess;
  s.is_hanging = false;
}
const FakeMachine& machine() { return state().machine; }
Counts& counts() { return state().counts; }
std::string report() { return state().report; }

void queue_work(cudaStream_t stream, std::function<void()> work) { add(*stream, std::move(work)); }

cudaError_t queue(cudaStream_t stream, Dim3 grid, Dim3 block, std::size_t shared_bytes, std::function<void()> kernel) {
  if (shared_bytes > state().machine.shared_bytes || grid.count() == 0) return result(cudaErrorInvalidValue);
  add(*stream, [=] {
    State& s = state();
    ++s.counts.kernels;
    const std::string wrong = run_grid(grid, block, shared_bytes, kernel);
    if (wrong.empty()) return;
    report_wrong(wrong);
    s.sticky = cudaErrorLaunchFailure;
  });
  return result(cudaSuccess);
}

}  // namespace octet::cuda_emulator

using namespace octet::cuda_emulator;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess: return "no error";
    case cudaErrorInvalidValue: return "invalid argument";
    case cudaErrorMemoryAllocation: return "out of memory";
    case cudaErrorInsufficientDriver: return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice: return "no CUDA-capable device is detected";
    case cudaErrorNotReady: return "device not ready";
    case cudaErrorIllegalAddress: return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure: return "unspecified launch failure";
  }
  return "unknown error";
}

cudaError_t cudaGetDeviceCount(int* n) {
  const FakeMachine& machine = state().machine;
  *n = machine.driver == cudaSuccess ? machine.n_devices : 0;
  if (machine.driver != cudaSuccess) return machine.driver;
  return machine.n_devices > 0 ? cudaSuccess : cudaErrorNoDevice;
}
cudaError_t cudaSetDevice(int) { return result(cudaSuccess); }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  const FakeMachine& machine = state().machine;
  std::snprintf(properties->name, sizeof(properties->name), "Emulated GPU");
  properties->major = machine.major;
  properties->minor = machine.minor;
  properties->sharedMemPerBlockOptin = machine.shared_bytes;
  return result(cudaSuccess);
}
cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  *total_bytes = state().machine.memory_bytes;
  *free_bytes = *total_bytes - std::min(*total_bytes, state().counts.live_bytes);
  return result(cudaSuccess);
}

cudaError_t cudaMalloc(void** memory, std::size_t n_bytes) {
  State& s = state();
  if (result(cudaSuccess) != cudaSuccess) return s.sticky;
  if (happens(s.machine.failing_allocation, s.counts.allocations++) || s.counts.live_bytes + n_bytes > s.machine.memory_bytes) {
    return result(cudaErrorMemoryAllocation);
  }
  *memory = ::operator new(n_bytes, kAlignment);
  std::memset(*memory, kPoison, n_bytes);
  s.allocations[*memory] = n_bytes;
  s.counts.live_bytes += n_bytes;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  State& s = state();
  wait_for_gpu("cudaFree");
  if (memory == nullptr) return result(cudaSuccess);
  const auto found = s.allocations.find(memory);
  if (found == s.allocations.end()) return result(cudaErrorInvalidValue);
  s.counts.live_bytes -= found->second;
  s.allocations.erase(found);
  ::operator delete(memory, kAlignment);
  return result(cudaSuccess);
}

cudaError_t cudaMallocHost(void** memory, std::size_t n_bytes) {
  *memory = ::operator new(n_bytes, kAlignment);
  std::memset(*memory, kPoison, n_bytes);
  state().others.insert(*memory);
  return result(cudaSuccess);
}
cudaError_t cudaFreeHost(void* memory) {
  wait_for_gpu("cudaFreeHost");
  state().others.erase(memory);
  ::operator delete(memory, kAlignment);
  return result(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  add(*stream, [=] {
    std::memcpy(to, from, n_bytes);
    const State& s = state();
    if (kind == cudaMemcpyDeviceToHost && happens(s.machine.spoilt_step, s.counts.graphs_launched)) spoil(to, n_bytes);
  });
  return result(cudaSuccess);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t n_bytes, cudaStream_t stream) {
  add(*stream, [=] { std::memset(to, value, n_bytes); });
  return result(cudaSuccess);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new FakeStream;
  state().others.insert(*stream);
  return result(cudaSuccess);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (stream->is_capturing) report_wrong("a stream is destroyed while it records");
  state().others.erase(stream);
  delete stream;
  return result(cudaSuccess);
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  stream->is_capturing = true;
  stream->recorded.clear();
  return result(cudaSuccess);
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  stream->is_capturing = false;
  *graph = new FakeGraph{std::move(stream->recorded)};
  stream->recorded.clear();
  return result(cudaSuccess);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new FakeGraph(*graph);
  state().others.insert(*exec);
  return result(cudaSuccess);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  State& s = state();
  const std::size_t step = s.counts.graphs_launched++;
  s.is_hanging = s.is_hanging || happens(s.machine.hanging_step, step);
  for (const auto& work : exec->work) stream->queued.push_back(work);
  const std::string& file = s.machine.failing_file;
  if (happens(s.machine.failing_step, step) || (!file.empty() && access(file.c_str(), F_OK) == 0))
    stream->queued.push_back([] { state().sticky = cudaErrorIllegalAddress; });
  return result(cudaSuccess);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return result(cudaSuccess);
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  state().others.erase(exec);
  delete exec;
  return result(cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new FakeEvent;
  state().others.insert(*event);
  return result(cudaSuccess);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  state().others.erase(event);
  delete event;
  return result(cudaSuccess);
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->stream = stream;
  return result(cudaSuccess);
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (!state().others.contains(event)) {
    report_wrong("an event is asked that is destroyed");
    return cudaErrorInvalidValue;
  }
  if (event->stream == nullptr) return result(cudaSuccess);
  if (state().is_hanging) return result(cudaErrorNotReady);
  run_queue(*event->stream);
  return result(cudaSuccess);
}

// kernels/cuda/device.h over the CUDA runtime: the first GPU, one stream.
#include "kernels/cuda/device.h"

#include <cstdio>
#include <ctime>
#include <utility>

#include "kernels/cuda/launches.h"
#include "kernels/cuda/matmul.h"

namespace octet::kernels::cuda {
namespace {

constexpr int kMinMajor = 8;  // mma.m16n8k32 and cp.async
constexpr int kMaxGraphs = 64;
constexpr long kSpinNs = 2'000'000;  // a step is done by then; later, leave the core to others

long now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000L + time.tv_nsec;
}

/// The end of the work that a GPU did not answer in time. It outlives its device, as a kernel that hangs does: whatever frees memory would
/// wait for it.
cudaEvent_t unanswered = nullptr;

bool gpu_hangs() { return unanswered != nullptr && cudaEventQuery(unanswered) == cudaErrorNotReady; }

class GpuDevice final : public Device {
 public:
  GpuDevice(const cudaDeviceProp& properties) {
    std::snprintf(name_, sizeof(name_), "%s, sm_%d%d", properties.name, properties.major, properties.minor);
    check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream");
    check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event");
  }
  GpuDevice(const GpuDevice&) = delete;
  GpuDevice& operator=(const GpuDevice&) = delete;
  ~GpuDevice() override {
    // Where the GPU hangs every call would wait for it: what it has, it keeps. Some only took longer.
    const bool is_hanging = gpu_hangs();
    for (int i = 0; i < n_graphs_ && !is_hanging; ++i) cudaGraphExecDestroy(graphs_[i]);
    matmul_.close(is_hanging);
    if (!is_hanging) {
      if (unanswered == event_) unanswered = nullptr;
      cudaEventDestroy(event_);
      cudaStreamDestroy(stream_);
    }
    for (Memory* memory = memory_; memory != nullptr;) {
      Memory* next = memory->next;
      if (!is_hanging) memory->is_of_host ? cudaFreeHost(memory->data) : cudaFree(memory->data);
      delete memory;
      memory = next;
    }
  }

  const char* name() const override { return name_; }
  const char* error() const override { return error_; }

  std::size_t free_bytes() override {
    std::size_t free_bytes = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free_bytes, &total), "how much memory is free");
    return free_bytes;
  }

  bool can_multiply(const MatmulShape& shape) override { return is_usable() && matmul_.can_multiply(shape); }

  void* allocate(std::size_t n_bytes) override { return allocate(n_bytes, false); }
  void* allocate_host(std::size_t n_bytes) override { return allocate(n_bytes, true); }
  void release(void* data) override {
    if (gpu_hangs()) return;  // the destructor sees to it
    for (Memory** at = &memory_; *at != nullptr; at = &(*at)->next) {
      if ((*at)->data != data) continue;
      Memory* found = *at;
      *at = found->next;
      check(found->is_of_host ? cudaFreeHost(data) : cudaFree(data), "giving back memory");
      delete found;
      return;
    }
  }

  void upload(void* to, const void* from, std::size_t n_bytes) override {
    if (is_usable()) check(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyHostToDevice, stream_), "a copy to the GPU");
  }
  void download(void* to, const void* from, std::size_t n_bytes) override {
    if (is_usable()) check(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToHost, stream_), "a copy from the GPU");
  }
  void copy(void* to, const void* from, std::size_t n_bytes) override {
    if (is_usable()) check(cudaMemcpyAsync(to, from, n_bytes, cudaMemcpyDeviceToDevice, stream_), "a copy within the GPU");
  }
  void clear(void* memory, std::size_t n_bytes) override {
    if (is_usable()) check(cudaMemsetAsync(memory, 0, n_bytes, stream_), "clearing memory");
  }

  void begin_graph() override {
    is_recording_ = is_usable() && check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), "recording a graph");
  }
  void launch(const EmbedArgs& args) override { launch_with(launch_embed, args, "embed"); }
  void launch(const QkvArgs& args) override { launch_with(launch_qkv, args, "qkv"); }
  void launch(const AttentionArgs& args) override { launch_with(launch_attention, args, "attention"); }
  void launch(const AddProductArgs& args) override { launch_with(launch_add_product, args, "add_product"); }
  void launch(const GateUpArgs& args) override { launch_with(launch_gate_up, args, "gate_up"); }
  void launch(const HeadArgs& args) override { launch_with(launch_head, args, "head"); }
  void launch(const EmbedChunkArgs& args) override { launch_with(launch_embed_chunk, args, "embed_chunk"); }
  void launch(const QuantizeArgs& args) override { launch_with(launch_quantize, args, "quantize"); }
  void launch(const ChunkProductArgs& args) override { launch_with(launch_chunk_product, args, "chunk_product"); }
  void launch(const FinishHeadsArgs& args) override { launch_with(launch_finish_heads, args, "finish_heads"); }
  void launch(const UnpackArgs& args) override { launch_with(launch_unpack, args, "unpack"); }
  void launch(const MatmulArgs& args) override {
    if (!is_usable()) return;
    const char* wrong = matmul_.launch(args, stream_);
    if (wrong != nullptr) std::snprintf(error_, sizeof(error_), "a product by cuBLASLt: %s", wrong);
  }
  void launch(const FinishProductArgs& args) override { launch_with(launch_finish_product, args, "finish_product"); }
  void launch(const AcceptArgs& args) override { launch_with(launch_accept, args, "accept"); }
  void launch(const DraftArgs& args) override { launch_with(launch_draft, args, "draft"); }
  int end_graph() override {
    if (!std::exchange(is_recording_, false)) return -1;
    cudaGraph_t graph = nullptr;
    check(cudaStreamEndCapture(stream_, &graph), "recording a graph");
    const bool is_made =
        is_usable() && n_graphs_ < kMaxGraphs && check(cudaGraphInstantiate(&graphs_[n_graphs_], graph, 0), "making a graph");
    if (graph != nullptr) cudaGraphDestroy(graph);
    return is_made ? n_graphs_++ : -1;
  }
  void replay(int graph) override {
    if (is_usable()) check(cudaGraphLaunch(graphs_[graph], stream_), "a step");
  }

  bool wait(int timeout_ms) override {
    if (!is_usable() || !check(cudaEventRecord(event_, stream_), "a step")) return false;
    const long begin = now_ns();
    for (;;) {
      const cudaError_t state = cudaEventQuery(event_);
      if (state != cudaErrorNotReady) return check(state, "a step");
      const long waited = now_ns() - begin;
      if (waited > timeout_ms * 1'000'000L) {
        unanswered = event_;
        std::snprintf(error_, sizeof(error_), "a step: no answer from the GPU within %d ms", timeout_ms);
        return false;
      }
      if (waited > kSpinNs) {
        const timespec pause{0, 100'000};
        nanosleep(&pause, nullptr);
      }
    }
  }

 private:
  struct Memory {
    void* data;
    bool is_of_host;
    Memory* next;
  };

  bool is_usable() const { return error_[0] == '\0'; }

  /// Remembers the first failure.
  bool check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return true;
    if (is_usable()) std::snprintf(error_, sizeof(error_), "%s: %s", what, cudaGetErrorString(error));
    return false;
  }

  void* allocate(std::size_t n_bytes, bool of_host) {
    if (!is_usable()) return nullptr;
    void* data = nullptr;
    const cudaError_t error = of_host ? cudaMallocHost(&data, n_bytes) : cudaMalloc(&data, n_bytes);
    if (error == cudaErrorMemoryAllocation || !check(error, "memory")) return nullptr;
    memory_ = new Memory{data, of_host, memory_};
    return data;
  }

  template <class Args>
  void launch_with(Error (*queue)(const Args&, Stream), const Args& args, const char* what) {
    if (!is_usable()) return;
    const Error error = queue(args, stream_);
    if (error == cudaErrorInvalidValue) {
      std::snprintf(error_, sizeof(error_), "%s: %s: the model is too wide, its rows take more shared memory than the GPU has", what,
                    cudaGetErrorString(error));
    }
    check(error, what);
  }

  char name_[300] = {};
  char error_[300] = {};
  bool is_recording_ = false;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
  Matmul matmul_;
  cudaGraphExec_t graphs_[kMaxGraphs];
  int n_graphs_ = 0;
  Memory* memory_ = nullptr;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) Device* octet_cuda_open_device(int version, char* why, std::size_t why_bytes) {
  if (version != kDeviceVersion) {
    std::snprintf(why, why_bytes, "the library speaks version %d, expected %d", kDeviceVersion, version);
    return nullptr;
  }
  int n_devices = 0;
  const cudaError_t found = cudaGetDeviceCount(&n_devices);
  if (found != cudaSuccess || n_devices == 0) {
    std::snprintf(why, why_bytes, "%s", found != cudaSuccess ? cudaGetErrorString(found) : "no GPU");
    return nullptr;
  }
  if (gpu_hangs()) {
    std::snprintf(why, why_bytes, "the GPU hangs: it has not answered since another model used it");
    return nullptr;
  }
  unanswered = nullptr;
  cudaDeviceProp properties;
  const cudaError_t asked = cudaGetDeviceProperties(&properties, 0);
  if (asked != cudaSuccess) {
    std::snprintf(why, why_bytes, "%s", cudaGetErrorString(asked));
    return nullptr;
  }
  if (properties.major < kMinMajor) {
    std::snprintf(why, why_bytes, "%s has compute capability %d.%d, expected at least %d.0%s", properties.name, properties.major,
                  properties.minor, kMinMajor, n_devices > 1 ? "; the first of CUDA_VISIBLE_DEVICES is used" : "");
    return nullptr;
  }
  return new GpuDevice(properties);
}

}  // namespace octet::kernels::cuda

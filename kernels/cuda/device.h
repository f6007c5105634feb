// A GPU as the engine sees it: memory, one queue of work in order, graphs of launches. Made by the library octet_cuda, which is loaded
// at run time; the tests make one on the emulator. Plain C++: who includes this needs no CUDA.
//
// Thread: one at a time. Nothing throws. What fails stays, but for memory that there is not: from then on every call does nothing, wait()
// is false and error() says what it was. Destroying a device gives back its memory, unless the GPU hangs; then no other is made.
#pragma once

#include <cstddef>

#include "kernels/cuda/arguments.h"

namespace octet::kernels::cuda {

class Device {
 public:
  virtual ~Device() = default;

  /// The GPU's name and its architecture: "NVIDIA H100, sm_90".
  virtual const char* name() const = 0;
  virtual std::size_t free_bytes() = 0;

  /// Whether cuBLASLt is installed and knows a way to multiply these.
  virtual bool can_multiply(const MatmulShape& shape) = 0;

  /// Memory of the GPU, and of the host in reach of the GPU; 256-byte aligned. nullptr where there is none.
  virtual void* allocate(std::size_t n_bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void* allocate_host(std::size_t n_bytes) = 0;

  /// These are queued. Host memory must stay as it is until a wait().
  virtual void upload(void* to, const void* from, std::size_t n_bytes) = 0;
  virtual void download(void* to, const void* from, std::size_t n_bytes) = 0;
  virtual void copy(void* to, const void* from, std::size_t n_bytes) = 0;
  virtual void clear(void* memory, std::size_t n_bytes) = 0;

  /// Launches between begin_graph() and end_graph() are recorded, not run. Returns the graph's number for replay().
  virtual void begin_graph() = 0;
  virtual void launch(const EmbedArgs& args) = 0;
  virtual void launch(const QkvArgs& args) = 0;
  virtual void launch(const AttentionArgs& args) = 0;
  virtual void launch(const AddProductArgs& args) = 0;
  virtual void launch(const GateUpArgs& args) = 0;
  virtual void launch(const HeadArgs& args) = 0;
  virtual void launch(const EmbedChunkArgs& args) = 0;
  virtual void launch(const QuantizeArgs& args) = 0;
  virtual void launch(const ChunkProductArgs& args) = 0;
  virtual void launch(const FinishHeadsArgs& args) = 0;
  virtual void launch(const UnpackArgs& args) = 0;
  virtual void launch(const MatmulArgs& args) = 0;  // where can_multiply()
  virtual void launch(const FinishProductArgs& args) = 0;
  virtual void launch(const AcceptArgs& args) = 0;
  virtual void launch(const DraftArgs& args) = 0;
  virtual int end_graph() = 0;
  virtual void replay(int graph) = 0;

  /// Waits until all that was queued is done. False where something failed, or when the GPU takes longer than `timeout_ms`.
  virtual bool wait(int timeout_ms) = 0;
  /// Empty, or what failed and why.
  virtual const char* error() const = 0;
};

/// Changes whenever a library and a program of different versions would misunderstand one another.
inline constexpr int kDeviceVersion = 5;

/// nullptr where there is no GPU to use: then why[why_bytes] says what was expected and found.
using OpenDevice = Device* (*)(int version, char* why, std::size_t why_bytes);
inline constexpr char kOpenDevice[] = "octet_cuda_open_device";

}  // namespace octet::kernels::cuda

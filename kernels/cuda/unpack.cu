// Fragments of weights as plain rows. A block has a tile's 16 rows and eight steps of columns: they come as fragments and go row by row,
// 16 bytes a thread, by way of shared memory.
#include "kernels/cuda/launches.h"
#include "kernels/cuda/machine.h"

namespace octet::kernels::cuda {
namespace {

constexpr int kSteps = kWarps;
constexpr int kRowWords = kSteps * kStepWords;
constexpr int kStride = kRowWords + 4;  // the eight rows that a warp writes at once begin in eight different banks
constexpr int kBytes = kTile * kStride * 4;
constexpr int kParts = kRowWords / 4;  // of a row, one a thread
static_assert(kTile * kParts == kThreads);

__global__ void __launch_bounds__(kThreads, kBlocksAtOnce) unpack_kernel(UnpackArgs args) {
  const int steps = n_steps(args.w.k, args.w.format);
  const int first = static_cast<int>(blockIdx.x) * kSteps;
  const int tile = static_cast<int>(blockIdx.y);
  const int thread = static_cast<int>(threadIdx.x);
  const int step = thread / 32;
  const int lane = thread % 32;
  SharedSpace space;
  const Shared<unsigned> words = space.take<unsigned>(kTile * kStride);
  if (first + step < steps) {
    const uint4* fragments = static_cast<const uint4*>(args.w.fragments);
    const uint4 a = fragments[(static_cast<std::ptrdiff_t>(tile) * steps + first + step) * 32 + lane];
    // Source: PTX ISA, "Matrix fragments for mma.m16n8k32": rows `group` and group + 8, a word in each half of the columns.
    const int at = lane / 4 * kStride + step * kStepWords + lane % 4;
    words.write(at, a.x);
    words.write(at + 8 * kStride, a.y);
    words.write(at + 4, a.z);
    words.write(at + 8 * kStride + 4, a.w);
  }
  __syncthreads();
  const int row = thread / kParts;
  const int part = thread % kParts;  // two to a step
  if (first + part / 2 >= steps) return;
  uint4* rows = reinterpret_cast<uint4*>(args.rows) + (static_cast<std::ptrdiff_t>(tile) * kTile + row) * (steps * kStepWords / 4);
  rows[first * kStepWords / 4 + part] = words.as<uint4>().read(row * (kStride / 4) + part);
}

}  // namespace

Error launch_unpack(const UnpackArgs& args, Stream stream) {
  const int n_blocks = (n_steps(args.w.k, args.w.format) + kSteps - 1) / kSteps;
  const dim3 grid{static_cast<unsigned>(n_blocks), static_cast<unsigned>(n_tiles(args.w.n)), 1};
  return launch(unpack_kernel, grid, kThreads, kBytes, stream, args);
}

}  // namespace octet::kernels::cuda

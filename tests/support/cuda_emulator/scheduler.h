// Runs the blocks of a kernel on one CPU thread: a fiber for each thread of the block, switched at barriers and where the lanes of
// a warp meet. Blocks one after the other; the order of blocks, warps and lanes is drawn from a seed.
//
// What is wrong with a kernel (a race in shared memory, a barrier that some threads miss, lanes that meet at different places) ends
// the launch with a report of what, who and where.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>

namespace octet::cuda_emulator {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;
  std::size_t count() const { return std::size_t{x} * y * z; }
};

using Site = std::source_location;
inline constexpr int kLanes = 32;

/// Seeds the order of everything that runs from now on.
void set_seed(std::uint64_t seed);

/// Runs kernel() for every thread of every block. Returns a report, empty where nothing was wrong.
std::string run_grid(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel);

// What the running thread calls.
namespace thread {

Dim3 block_index();
Dim3 thread_index();
Dim3 block_size();
Dim3 grid_size();

/// __syncthreads: everything before it happens before everything behind it, for all threads of the block.
void meet_block(Site site);
/// __syncwarp, for the lanes of a warp.
void meet_warp(Site site);

/// The lanes of a warp meet: each brings n_in bytes, the last to come computes `all` from the 32 inputs to the 32 outputs (kLane bytes
/// apart), each takes n_out bytes. No barrier: it orders no accesses to memory.
inline constexpr std::size_t kLane = 64;
using Exchange = std::array<std::array<std::byte, kLane>, kLanes>;
void exchange(const void* in, std::size_t n_in, void* out, std::size_t n_out, void (*all)(const Exchange&, Exchange&, int parameter),
              int parameter, Site site);
int lane();

/// Shared memory of this block from `offset` on, with the checks of SharedMemory.
void read_shared(std::size_t offset, void* to, std::size_t n, Site site);
void write_shared(std::size_t offset, const void* from, std::size_t n, Site site);
std::size_t shared_bytes();

/// cp.async: the bytes are copied when the thread waits for them, no sooner.
void copy_later(std::size_t offset, const void* from, std::size_t n, Site site);
void commit_copies();
/// Waits until at most n_open committed groups are on their way.
void wait_for_copies(int n_open, Site site);

// What blocks say to one another in the device's memory, which is not recorded: that they keep to the order that makes it safe.
/// __threadfence.
void fence();
/// A counter tells other blocks that this one's numbers are there: all its threads have fenced, and a barrier lies behind that.
void count_up(Site site);
/// A number of another block is read: behind the count lie a barrier and this thread's fence.
void read_fresh(Site site);

/// Ends the launch with this report. Does not return.
[[noreturn]] void fail(const std::string& what, Site site);

}  // namespace thread
}  // namespace octet::cuda_emulator

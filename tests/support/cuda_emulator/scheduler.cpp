#include "tests/support/cuda_emulator/scheduler.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include "tests/support/cuda_emulator/shared_memory.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace octet::cuda_emulator {
namespace {

namespace context = boost::context;

constexpr std::size_t kStackBytes = 256 << 10;
constexpr std::size_t kMaxThreads = 1024;
constexpr std::int64_t kNever = -1;

std::uint64_t random_state = 1;
std::uint32_t random_below(std::uint32_t n) {  // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return static_cast<std::uint32_t>(((random_state * 0x2545F4914F6CDD1DULL) >> 33) % n);
}

std::string place(const Site& site) {
  const std::string path = site.file_name();
  return path.substr(path.rfind('/') + 1) + ":" + std::to_string(site.line());
}
bool is_same_place(const Site& a, const Site& b) {
  return a.line() == b.line() && (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

/// Thrown through a thread's frames when its launch is over before it is.
struct Abandoned {};

/// Tells the address sanitizer which stack is in use.
class StackSwitch {
 public:
  void leave([[maybe_unused]] const void* bottom, [[maybe_unused]] std::size_t size) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fake_, bottom, size);
#endif
  }
  void arrive([[maybe_unused]] const void** bottom = nullptr, [[maybe_unused]] std::size_t* size = nullptr) {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fake_, bottom, size);
#endif
  }

 private:
  [[maybe_unused]] void* fake_ = nullptr;
};

struct Copy {
  std::size_t offset;
  const void* from;
  std::size_t n;
};

struct Warp {
  std::uint32_t ready = 0;  // a bit for each lane that can go on
  std::uint32_t all = 0;
  int n_lanes = 0;
  int n_met = 0;
  bool is_barrier = false;  // how the lanes meet: __syncwarp or an exchange
  Site site;
  std::uint32_t time = 0;
  thread::Exchange in, out;
};

struct Thread {
  int index = 0;
  Dim3 position;
  Warp* warp = nullptr;
  int warp_idx = 0;
  int lane = 0;
  bool is_done = false;
  bool in_barrier = false;           // of the block
  std::int64_t fence_time = kNever;  // how many barriers the block had had at this thread's last fence
  Site site;                         // where it waits
  std::deque<std::vector<Copy>> groups;
  std::vector<Copy> open_group;
  context::fiber fiber;
  const void* stack = nullptr;
  std::size_t stack_bytes = 0;
  StackSwitch own_switch;
};

class Machine {
 public:
  std::string run(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel) {
    if (block.count() == 0 || block.count() > kMaxThreads) return "a block of " + std::to_string(block.count()) + " threads";
    grid_ = grid;
    block_ = block;
    kernel_ = &kernel;
    report_.clear();
    std::vector<std::uint32_t> order(grid.count());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_below(static_cast<std::uint32_t>(i))]);
    for (const std::uint32_t i : order) {
      block_index_ = {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y};
      run_block(shared_bytes);
      if (!report_.empty()) break;
    }
    return std::exchange(report_, {});
  }

  Thread& current() { return *current_; }
  Dim3 grid() const { return grid_; }
  Dim3 block() const { return block_; }
  Dim3 block_index() const { return block_index_; }
  SharedMemory& shared() { return shared_; }
  Moment now() const { return {current_->index, current_->warp_idx, barrier_time_, current_->warp->time}; }

  void meet_block(Site site) {
    Thread& me = *current_;
    if (n_in_barrier_ > 0 && !is_same_place(barrier_site_, site)) {
      fail("divergent barrier: some threads wait at " + place(barrier_site_), site);
    }
    barrier_site_ = site;
    if (++n_in_barrier_ < static_cast<int>(threads_in_block_)) {
      me.in_barrier = true;
      me.site = site;
      yield();
      return;
    }
    n_in_barrier_ = 0;
    ++barrier_time_;
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      if (threads_[i]->in_barrier) make_ready(*threads_[i]);
      threads_[i]->in_barrier = false;
    }
  }

  /// True for the last lane to come, which then calls part().
  bool meet_lanes(bool is_barrier, Site site) {
    Warp& warp = *current_->warp;
    if (warp.n_met > 0 && (!is_same_place(warp.site, site) || warp.is_barrier != is_barrier)) {
      fail("lanes of a warp meet at different places: some wait at " + place(warp.site), site);
    }
    warp.site = site;
    warp.is_barrier = is_barrier;
    return ++warp.n_met == warp.n_lanes;
  }
  void wait_for_lanes(Site site) {
    current_->site = site;
    yield();
  }
  void part() {
    Warp& warp = *current_->warp;
    warp.n_met = 0;
    warp.ready |= warp.all & ~(1U << current_->lane);
  }

  void fence() { current_->fence_time = barrier_time_; }
  void count_up(Site site) {
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      const std::int64_t fenced = threads_[i]->fence_time;
      if (fenced == kNever || fenced == barrier_time_) {
        fail("counts before a fence of thread " + std::to_string(i) + " and a barrier behind it", site);
      }
    }
    count_time_ = barrier_time_;
  }
  void read_fresh(Site site) {
    if (count_time_ == kNever || current_->fence_time <= count_time_) {
      fail("reads what another block writes without a barrier and a fence behind the count", site);
    }
  }

  [[noreturn]] void fail(const std::string& what, Site site) {
    if (report_.empty()) {
      report_ = what + ", thread " + std::to_string(current_->index) + " of block (" + std::to_string(block_index_.x) + ", " +
                std::to_string(block_index_.y) + ", " + std::to_string(block_index_.z) + ") at " + place(site);
    }
    throw Abandoned{};
  }

 private:
  void make_ready(Thread& thread) { thread.warp->ready |= 1U << thread.lane; }

  /// The running thread lets others run until it is ready again.
  void yield() {
    Thread& me = *current_;
    me.own_switch.leave(scheduler_stack_, scheduler_stack_size_);
    scheduler_ = std::move(scheduler_).resume();
    me.own_switch.arrive();
    if (!report_.empty()) throw Abandoned{};
  }

  void resume(Thread& thread) {
    current_ = &thread;
    scheduler_switch_.leave(thread.stack, thread.stack_bytes);
    thread.fiber = std::move(thread.fiber).resume();
    scheduler_switch_.arrive();
  }

  /// What a fiber does all its life: one kernel's thread after the other.
  void live(Thread& thread) {
    for (;;) {
      try {
        if (report_.empty()) (*kernel_)();
        if (!thread.open_group.empty() || !thread.groups.empty()) fail("leaves the kernel with async copies on their way", Site::current());
      } catch (const Abandoned&) {
      }
      thread.groups.clear();
      thread.open_group.clear();
      thread.is_done = true;
      ++n_done_;
      thread.own_switch.leave(scheduler_stack_, scheduler_stack_size_);
      scheduler_ = std::move(scheduler_).resume();
      thread.own_switch.arrive();
    }
  }

  void need_threads(std::size_t n) {
    while (threads_.size() < n) {
      auto& thread = *threads_.emplace_back(std::make_unique<Thread>());
      context::protected_fixedsize_stack allocator(kStackBytes);
      const context::stack_context stack = allocator.allocate();  // kept for the program's life, as the fiber on it
      thread.stack_bytes = stack.size;                            // its guard page included
      thread.stack = static_cast<const char*>(stack.sp) - stack.size;
      thread.fiber = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), allocator,
                                    [this, &thread](context::fiber&& scheduler) {
                                      thread.own_switch.arrive(&scheduler_stack_, &scheduler_stack_size_);
                                      scheduler_ = std::move(scheduler);
                                      live(thread);
                                      return std::move(scheduler_);
                                    });
    }
  }

  void run_block(std::size_t shared_bytes) {
    threads_in_block_ = block_.count();
    need_threads(threads_in_block_);
    warps_.resize((threads_in_block_ + kLanes - 1) / kLanes);
    for (auto& warp : warps_) {
      warp.ready = warp.all = 0;
      warp.n_lanes = warp.n_met = 0;
      warp.time = 0;
    }
    n_done_ = 0;
    n_in_barrier_ = 0;
    barrier_time_ = 0;
    count_time_ = kNever;
    shared_.reset(shared_bytes);
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      Thread& thread = *threads_[i];
      const auto index = static_cast<unsigned>(i);
      thread.index = static_cast<int>(i);
      thread.position = {index % block_.x, index / block_.x % block_.y, index / block_.x / block_.y};
      thread.warp_idx = static_cast<int>(i / kLanes);
      thread.lane = static_cast<int>(i % kLanes);
      thread.warp = &warps_[i / kLanes];
      thread.warp->all |= 1U << thread.lane;
      ++thread.warp->n_lanes;
      thread.is_done = thread.in_barrier = false;
      thread.fence_time = kNever;
      make_ready(thread);
    }
    while (n_done_ < threads_in_block_ && report_.empty()) {
      if (!run_some_warp()) report_ = stuck();
    }
    // The others end where they wait, one frame after the other.
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      if (!threads_[i]->is_done) resume(*threads_[i]);
    }
  }

  /// The ready lanes of a warp, from one of them on, upwards or downwards. False where no thread is ready.
  bool run_some_warp() {
    const auto n = static_cast<std::uint32_t>(warps_.size());
    std::uint32_t at = random_below(n);
    for (std::uint32_t i = 0; i < n; ++i, at = (at + 1) % n) {
      std::uint32_t ready = std::exchange(warps_[at].ready, 0U);
      if (ready == 0) continue;
      const std::uint32_t draw = random_below(2 * kLanes);
      const std::uint32_t step = draw < kLanes ? 1 : kLanes - 1;
      for (std::uint32_t lane = draw % kLanes; ready != 0; lane = (lane + step) % kLanes) {
        if ((ready >> lane & 1U) == 0) continue;
        ready &= ~(1U << lane);
        resume(*threads_[at * kLanes + lane]);
        if (!report_.empty()) return true;
      }
      return true;
    }
    return false;
  }

  std::string stuck() const {
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      const Thread& thread = *threads_[i];
      if (thread.is_done) continue;
      return std::string("missed barrier: ") + std::to_string(n_done_) + " threads have left the kernel, thread " + std::to_string(i) +
             " waits for " + (thread.in_barrier ? "its block" : "its warp") + " at " + place(thread.site);
    }
    return "stuck";
  }

  Dim3 grid_, block_, block_index_;
  const std::function<void()>* kernel_ = nullptr;
  std::string report_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  SharedMemory shared_;
  std::size_t threads_in_block_ = 0;
  std::size_t n_done_ = 0;
  int n_in_barrier_ = 0;
  std::uint32_t barrier_time_ = 0;
  std::int64_t count_time_ = kNever;  // when the block told the others
  Site barrier_site_;
  Thread* current_ = nullptr;
  context::fiber scheduler_;
  StackSwitch scheduler_switch_;
  const void* scheduler_stack_ = nullptr;
  std::size_t scheduler_stack_size_ = 0;
};

/// Lives as long as the program: its fibers never end.
Machine& machine() {
  static Machine* machine = new Machine;
  return *machine;
}

}  // namespace

void set_seed(std::uint64_t seed) { random_state = seed * 2 + 1; }

std::string run_grid(Dim3 grid, Dim3 block, std::size_t shared_bytes, const std::function<void()>& kernel) {
  return machine().run(grid, block, shared_bytes, kernel);
}

namespace thread {

Dim3 block_index() { return machine().block_index(); }
Dim3 thread_index() { return machine().current().position; }
Dim3 block_size() { return machine().block(); }
Dim3 grid_size() { return machine().grid(); }
int lane() { return machine().current().lane; }
std::size_t shared_bytes() { return machine().shared().size(); }
void fail(const std::string& what, Site site) { machine().fail(what, site); }
void meet_block(Site site) { machine().meet_block(site); }
void fence() { machine().fence(); }
void count_up(Site site) { machine().count_up(site); }
void read_fresh(Site site) { machine().read_fresh(site); }

void meet_warp(Site site) {
  Machine& all = machine();
  if (!all.meet_lanes(true, site)) return all.wait_for_lanes(site);
  ++all.current().warp->time;
  all.part();
}

void exchange(const void* in, std::size_t n_in, void* out, std::size_t n_out, void (*compute)(const Exchange&, Exchange&, int),
              int parameter, Site site) {
  Machine& all = machine();
  Thread& me = all.current();
  Warp& warp = *me.warp;
  const auto mine = static_cast<std::size_t>(me.lane);
  std::memcpy(warp.in[mine].data(), in, n_in);
  if (all.meet_lanes(false, site)) {
    compute(warp.in, warp.out, parameter);
    all.part();
  } else {
    all.wait_for_lanes(site);
  }
  std::memcpy(out, warp.out[mine].data(), n_out);
}

void read_shared(std::size_t offset, void* to, std::size_t n, Site site) {
  Machine& all = machine();
  if (const char* wrong = all.shared().read(offset, n, all.now())) fail(wrong, site);
  std::memcpy(to, all.shared().data() + offset, n);
}

void write_shared(std::size_t offset, const void* from, std::size_t n, Site site) {
  Machine& all = machine();
  if (const char* wrong = all.shared().write(offset, n, all.now())) fail(wrong, site);
  std::memcpy(all.shared().data() + offset, from, n);
}

void copy_later(std::size_t offset, const void* from, std::size_t n, Site site) {
  Machine& all = machine();
  if (const char* wrong = all.shared().expect(offset, n, all.now())) fail(wrong, site);
  all.current().open_group.push_back({offset, from, n});
}

void commit_copies() {
  Thread& me = machine().current();
  me.groups.push_back(std::exchange(me.open_group, {}));
}

void wait_for_copies(int n_open, Site site) {
  Thread& me = machine().current();
  for (; me.groups.size() > static_cast<std::size_t>(n_open); me.groups.pop_front()) {
    for (const Copy& copy : me.groups.front()) write_shared(copy.offset, copy.from, copy.n, site);
  }
}

}  // namespace thread
}  // namespace octet::cuda_emulator

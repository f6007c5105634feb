#include "engine/model/thread_team.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <sched.h>

#include "bytemodel/check.h"
#include "engine/model/compute_thread.h"

namespace octet::engine {
namespace {

using namespace std::chrono_literals;

// Longer than a decode loop takes between two steps (proposals, sampling).
constexpr auto kSpinTime = 200us;
// A wait for members that is longer may be for one that this thread keeps from its core.
constexpr auto kLongWait = 20us;
constexpr int kSpinsPerLook = 64;  // looks at the clock are dearer than looks at memory

// A task is slow where some member waited this long, and so large a part that the work of all others, done by it alone, would
// have taken no longer. Several on end mean that a member is not scheduled.
constexpr auto kSlowWait = 50us;
constexpr int kSlowTasks = 4;
// Then the team rests: shortly at first, twice as long each time that it finds the cores still taken.
constexpr auto kShortestRest = 20ms;
constexpr auto kLongestRest = 640ms;

constexpr std::uint32_t kCalls = 4;  // kinds of them

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Spins until `word` is no longer `old`, and calls `on_long_wait` once if that takes long. Returns how long it took beyond a moment;
/// nothing where it is still the same.
template <class OnLongWait>
std::optional<std::chrono::steady_clock::duration> spin_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t old,
                                                                   const OnLongWait& on_long_wait) {
  for (int i = 0; i < kSpinsPerLook; ++i) {
    if (word.load(std::memory_order_acquire) != old) return std::chrono::steady_clock::duration{};
    relax();
  }
  const auto start = std::chrono::steady_clock::now();
  bool is_long = false;
  for (auto now = start; now - start < kSpinTime; now = std::chrono::steady_clock::now()) {
    if (!is_long && now - start > kLongWait) {
      is_long = true;
      on_long_wait();
    }
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (word.load(std::memory_order_acquire) != old) return std::chrono::steady_clock::now() - start;
      relax();
    }
  }
  return std::nullopt;
}

void sleep_until_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
}

/// A number in a file of the kernel's, -1 where there is none.
int read_number(const std::string& path) {
  int number = -1;
  std::ifstream(path) >> number;
  return number;
}

}  // namespace

unsigned usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return std::max(1U, std::thread::hardware_concurrency());
  std::set<std::pair<int, int>> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const int core = read_number(topology + "core_id");
    cores.emplace(read_number(topology + "physical_package_id"), core < 0 ? cpu : core);
  }
  return std::max(1U, static_cast<unsigned>(cores.size()));
}

ThreadTeam::ThreadTeam(unsigned n_threads, WhenBusy when_busy) : states_(n_threads), when_busy_(when_busy) {
  OCTET_CHECK(n_threads >= 1);
  workers_.reserve(n_threads - 1);
  for (unsigned i = 1; i < n_threads; ++i) workers_.emplace_back([this, i] { work(static_cast<int>(i)); });
}

ThreadTeam::~ThreadTeam() { call(kEnd); }

void ThreadTeam::call(Call what) {
  call_.store((call_.load(std::memory_order_relaxed) / kCalls + 1) * kCalls + what, std::memory_order_release);
  call_.notify_all();
}

void ThreadTeam::wake() {
  if (!workers_.empty()) call(kWake);
}

void ThreadTeam::rest() {
  if (n_asleep_.load(std::memory_order_relaxed) < n_threads() - 1) call(kRest);
}

void ThreadTeam::run(const std::function<void(const Member&)>& task, Length length) {
  ++waits_.n_tasks;
  if (workers_.empty()) return task(alone());
  const auto start = Clock::now();
  if (start < alone_until_) {
    ++waits_.n_tasks_alone;
    return task(alone());
  }
  // A member that falls asleep right now is woken by the call: that only takes longer.
  const bool had_to_wake = n_asleep_.load(std::memory_order_relaxed) > 0;
  if (had_to_wake && length == Length::kShort && when_busy_ == WhenBusy::kAlone) {
    ++waits_.n_tasks_early;
    wake();
    return task(alone());
  }
  task_ = &task;
  call(kTask);
  work_on(task, 0);

  const auto now = Clock::now();
  Clock::duration longest{};
  for (const State& state : states_) longest = std::max(longest, Clock::duration(state.waited.load(std::memory_order_relaxed)));
  const bool is_faster_alone = n_threads() * (now - start - longest) < now - start;
  const bool is_slow = longest > kSlowWait && is_faster_alone && !had_to_wake;
  n_slow_ = is_slow ? n_slow_ + 1 : 0;
  if (n_slow_ == kSlowTasks && when_busy_ == WhenBusy::kAlone) {
    const bool is_again = start - alone_until_ < rest_;
    rest_ = is_again ? std::min<Clock::duration>(2 * rest_, kLongestRest) : kShortestRest;
    alone_until_ = now + rest_;
    n_slow_ = 0;
  }
}

void ThreadTeam::work(int index) {
  let_others_interrupt_this_thread();
  std::uint32_t heard = kWake;
  while (heard % kCalls != kEnd) {
    if (heard % kCalls == kRest || !spin_for_change(call_, heard, [] {})) {
      ++n_asleep_;
      sleep_until_change(call_, heard);
      --n_asleep_;
    }
    heard = call_.load(std::memory_order_acquire);
    if (heard % kCalls == kTask) work_on(*task_, index);
  }
}

void ThreadTeam::work_on(const std::function<void(const Member&)>& task, int index) {
  State& state = states_[static_cast<std::size_t>(index)];
  state.waited.store(0, std::memory_order_relaxed);
  state.core.store(::sched_getcpu(), std::memory_order_relaxed);
  task({this, index, n_threads()});
  wait_for_all(index, n_threads());  // nobody touches what the task uses any more
}

/// Linux may keep two members on one core while others are idle, for as long as they take turns at waiting for each other: a thread
/// that sleeps for a moment and is woken stays where it was. Whoever waits there moves.
void ThreadTeam::leave_core_to_others(int index) {
  State& own = states_[static_cast<std::size_t>(index)];
  const int core = ::sched_getcpu();
  const bool is_shared = std::ranges::any_of(
      states_, [&](const State& state) { return &state != &own && state.core.load(std::memory_order_relaxed) == core; });
  cpu_set_t allowed;
  if (!is_shared || ::sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2) return;
  cpu_set_t others = allowed;
  CPU_CLR(static_cast<unsigned>(core), &others);
  if (::sched_setaffinity(0, sizeof(others), &others) != 0) return;
  own.core.store(::sched_getcpu(), std::memory_order_relaxed);
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
}

void ThreadTeam::wait_for_all(int index, int size) {
  const std::uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (index == 0) ++waits_.n_barriers;
  if (n_arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(size)) {
    n_arrived_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    phase_.notify_all();
    return;
  }
  auto waited = spin_for_change(phase_, phase, [&] { leave_core_to_others(index); });
  if (!waited) {
    const auto start = Clock::now();
    sleep_until_change(phase_, phase);
    waited = kSpinTime + (Clock::now() - start);
  }
  states_[static_cast<std::size_t>(index)].waited.fetch_add(waited->count(), std::memory_order_relaxed);
}

}  // namespace octet::engine

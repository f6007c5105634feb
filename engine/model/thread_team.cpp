#include "engine/model/thread_team.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include <sched.h>

#include "bytemodel/check.h"

namespace octet::engine {
namespace {

using namespace std::chrono_literals;

// Longer than a decode loop takes between two steps (proposals, sampling): waking a sleeping thread costs some 50 microseconds.
constexpr auto kSpinTime = 200us;
constexpr int kSpinsPerLook = 64;  // looks at the clock are dearer than looks at memory

// A task is slow where some member waited this long, and so large a part that the work of all others, done by it alone, would
// have taken no longer. Several on end mean that a member is not scheduled.
constexpr auto kSlowWait = 50us;
constexpr int kSlowTasks = 4;
// Then the team rests: shortly at first, twice as long each time that it finds the cores still taken.
constexpr auto kShortestRest = 20ms;
constexpr auto kLongestRest = 640ms;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Waits until `word` is no longer `old`: spinning at first, then asleep. Returns how long it took beyond a moment.
std::chrono::steady_clock::duration wait_for_change(const std::atomic<std::uint32_t>& word, std::uint32_t old) {
  for (int i = 0; i < kSpinsPerLook; ++i) {
    if (word.load(std::memory_order_acquire) != old) return {};
    relax();
  }
  const auto start = std::chrono::steady_clock::now();
  auto now = start;
  while (now - start < kSpinTime) {
    for (int i = 0; i < kSpinsPerLook; ++i) {
      if (word.load(std::memory_order_acquire) != old) return std::chrono::steady_clock::now() - start;
      relax();
    }
    now = std::chrono::steady_clock::now();
  }
  while (word.load(std::memory_order_acquire) == old) word.wait(old, std::memory_order_acquire);
  return std::chrono::steady_clock::now() - start;
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

ThreadTeam::ThreadTeam(unsigned n_threads, WhenBusy when_busy) : waited_(n_threads), when_busy_(when_busy) {
  OCTET_CHECK(n_threads >= 1);
  workers_.reserve(n_threads - 1);
  for (unsigned i = 1; i < n_threads; ++i) workers_.emplace_back([this, i] { work(static_cast<int>(i)); });
}

ThreadTeam::~ThreadTeam() {
  is_over_ = true;
  task_number_.fetch_add(1, std::memory_order_release);
  task_number_.notify_all();
}

void ThreadTeam::run(const std::function<void(const Member&)>& task) {
  ++waits_.n_tasks;
  const auto start = workers_.empty() ? Clock::time_point{} : Clock::now();
  if (workers_.empty() || start < alone_until_) {
    if (!workers_.empty()) ++waits_.n_tasks_alone;
    return task(alone());
  }
  task_ = &task;
  task_number_.fetch_add(1, std::memory_order_release);
  task_number_.notify_all();
  waited_[0].time.store(0, std::memory_order_relaxed);
  task({this, 0, n_threads()});
  wait_for_all(0, n_threads());  // nobody touches what the task uses any more

  const auto now = Clock::now();
  Clock::duration longest{};
  for (const Waited& waited : waited_) longest = std::max(longest, Clock::duration(waited.time.load(std::memory_order_relaxed)));
  const bool had_to_wake = start - last_end_ > kSpinTime;
  const bool is_faster_alone = n_threads() * (now - start - longest) < now - start;
  const bool is_slow = longest > kSlowWait && is_faster_alone && !had_to_wake;
  n_slow_ = is_slow ? n_slow_ + 1 : 0;
  if (n_slow_ == kSlowTasks && when_busy_ == WhenBusy::kAlone) {
    const bool is_again = start - alone_until_ < rest_;
    rest_ = is_again ? std::min<Clock::duration>(2 * rest_, kLongestRest) : kShortestRest;
    alone_until_ = now + rest_;
    n_slow_ = 0;
  }
  last_end_ = now;
}

void ThreadTeam::work(int index) {
  std::uint32_t seen = 0;
  while (true) {
    wait_for_change(task_number_, seen);
    ++seen;
    if (is_over_) return;
    waited_[static_cast<std::size_t>(index)].time.store(0, std::memory_order_relaxed);
    (*task_)({this, index, n_threads()});
    wait_for_all(index, n_threads());
  }
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
  waited_[static_cast<std::size_t>(index)].time.fetch_add(wait_for_change(phase_, phase).count(), std::memory_order_relaxed);
}

}  // namespace octet::engine

// The threads that compute one forward step together: persistent, asleep between steps, on their own cores.
//
// No OpenMP: its threads spin in an idle editor. Here a thread that has nothing to do spins for a fraction of a millisecond, or not at
// all once it was told to rest, and then sleeps until it is woken: an idle team costs no processor time, nor the core that somebody
// else answers on.
// Waiting for a member that is not there costs more than its help brings. Short tasks begin without those who still sleep; and where
// other programs want the cores, the team notices and works as one thread for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace octet::engine {

/// Physical cores that this process may run on; at least 1.
unsigned usable_cores();

/// Owned and called by one thread at a time, which is member 0.
class ThreadTeam {
 public:
  /// A member's place in a task.
  class Member {
   public:
    int index() const { return index_; }
    int size() const { return size_; }
    /// Waits until every member of the task has come here. Writes before it are seen by all behind it.
    void wait_for_all() const {
      if (size_ > 1) team_->wait_for_all(index_, size_);
    }
    /// This member's share of n items, contiguous and in order: [begin, end).
    struct Share {
      int begin, end;
    };
    Share share(int n) const { return {n * index_ / size_, n * (index_ + 1) / size_}; }

   private:
    friend class ThreadTeam;
    Member(ThreadTeam* team, int index, int size) : team_(team), index_(index), size_(size) {}
    ThreadTeam* team_;
    int index_;
    int size_;
  };

  /// What to do where members are not scheduled: work as one thread for a while, or wait all the same (benchmarks).
  enum class WhenBusy { kAlone, kWait };

  /// Starts n_threads - 1 threads. CHECKs n_threads >= 1.
  explicit ThreadTeam(unsigned n_threads, WhenBusy when_busy = WhenBusy::kAlone);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Whether a task is worth waiting for members who sleep: waking them takes some 50 microseconds.
  enum class Length { kShort, kLong };

  /// Calls task(member) on every member and returns when all are done; on this thread alone while the machine is oversubscribed, or,
  /// where the task is short, some member sleeps (and is woken). What a task computes must not depend on the size of its team.
  void run(const std::function<void(const Member&)>& task, Length length = Length::kLong);

  /// A task follows in a moment: wakes the members, so that they are there for it.
  void wake();
  /// None follows soon: the members sleep at once.
  void rest();

  /// A member of a team of one, for work that is not worth sharing.
  static Member alone() { return {nullptr, 0, 1}; }

  /// What waiting has cost since the start: for the benchmark.
  struct Waits {
    std::uint64_t n_tasks = 0;
    std::uint64_t n_barriers = 0;
    std::uint64_t n_tasks_alone = 0;  // for want of free cores
    std::uint64_t n_tasks_early = 0;  // alone, because members still slept
  };
  Waits waits() const { return waits_; }

 private:
  using Clock = std::chrono::steady_clock;

  enum Call : std::uint32_t { kTask, kWake, kRest, kEnd };

  void call(Call what);
  void work(int index);
  void work_on(const std::function<void(const Member&)>& task, int index);
  void wait_for_all(int index, int size);
  void leave_core_to_others(int index);

  // Each on a line of its own: members write one while others watch another.
  alignas(64) std::atomic<std::uint32_t> call_{kWake};  // the last one, and 4 times its number
  alignas(64) std::atomic<int> n_asleep_{0};
  alignas(64) std::atomic<std::uint32_t> n_arrived_{0};
  alignas(64) std::atomic<std::uint32_t> phase_{0};  // changes when all have arrived
  struct alignas(64) State {
    std::atomic<Clock::rep> waited{0};  // in this task, waits of more than a moment only
    std::atomic<int> core{-1};          // where it was when this task began, or has moved since
  };
  std::vector<State> states_;  // [n_threads]
  const std::function<void(const Member&)>* task_ = nullptr;
  WhenBusy when_busy_;
  Clock::time_point alone_until_{};
  Clock::duration rest_{};  // the last one's length
  int n_slow_ = 0;          // tasks on end that waited for a member
  Waits waits_;
  std::vector<std::jthread> workers_;  // last: they use the rest
};

}  // namespace octet::engine

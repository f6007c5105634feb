// The team of threads: everybody works, nobody runs ahead, and an idle team costs nothing.
#include "engine/model/thread_team.h"

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <numeric>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/model/compute_thread.h"

namespace octet::tests {
namespace {

using engine::ThreadTeam;

double processor_seconds(int whose = RUSAGE_SELF) {
  rusage usage{};
  ::getrusage(whose, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Moves the calling thread to a core, and leaves it free to go.
void go_to_core(int core) {
  cpu_set_t allowed;
  ::sched_getaffinity(0, sizeof(allowed), &allowed);
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<unsigned>(core), &only);
  ::sched_setaffinity(0, sizeof(only), &only);
  ::sched_setaffinity(0, sizeof(allowed), &allowed);
}

void work_for(std::chrono::microseconds length) {
  for (const auto end = std::chrono::steady_clock::now() + length; std::chrono::steady_clock::now() < end;) {
  }
}

}  // namespace

TEST_CASE("shares cover all items once, in order") {
  const int n_threads = GENERATE(1, 2, 3, 4, 7);
  ThreadTeam team(static_cast<unsigned>(n_threads));
  for (const int n : {0, 1, 2, 5, 16, 44, 1000}) {
    std::vector<std::atomic<int>> counts(static_cast<std::size_t>(n));
    team.run([&](const ThreadTeam::Member& member) {
      const auto share = member.share(n);
      for (int i = share.begin; i < share.end; ++i) ++counts[static_cast<std::size_t>(i)];
    });
    for (const auto& count : counts) REQUIRE(count == 1);
  }
}

TEST_CASE("what a member wrote before a barrier, the others read behind it") {
  const int n_threads = GENERATE(2, 3, 4);
  ThreadTeam team(static_cast<unsigned>(n_threads));
  std::vector<int> values(static_cast<std::size_t>(n_threads));
  std::atomic<int> n_wrong = 0;
  for (int task = 0; task < 300; ++task) {
    team.run([&](const ThreadTeam::Member& member) {
      for (int round = 0; round < 20; ++round) {
        const int stamp = 20 * task + round;
        const auto share = member.share(n_threads);
        for (int i = share.begin; i < share.end; ++i) values[static_cast<std::size_t>(i)] = stamp;
        member.wait_for_all();
        if (std::accumulate(values.begin(), values.end(), 0) != n_threads * stamp) ++n_wrong;
        member.wait_for_all();
      }
    });
  }
  CHECK(n_wrong == 0);
}

TEST_CASE("run returns when all members are done") {
  ThreadTeam team(4);
  for (int task = 0; task < 1000; ++task) {
    std::atomic<int> n_done = 0;
    int n_members = 0;
    team.run([&](const ThreadTeam::Member& member) {
      if (member.index() == 0) n_members = member.size();
      ++n_done;
    });
    REQUIRE(n_done == n_members);
  }
}

TEST_CASE("a team without work takes no processor time") {
  ThreadTeam team(4);
  team.run([](const ThreadTeam::Member&) {});
  std::this_thread::sleep_for(std::chrono::milliseconds(20));  // longer than a member spins
  const double before = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  CHECK(processor_seconds() - before < 0.01);
}

TEST_CASE("a short task begins without members who sleep, and brings them back") {
  ThreadTeam team(3);
  const auto size_of_team = [&] {
    int size = 0;
    team.run(
        [&](const ThreadTeam::Member& member) {
          if (member.index() == 0) size = member.size();
        },
        ThreadTeam::Length::kShort);
    return size;
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  // On a busy machine a task can be alone for another reason, which ends.
  int size = 0;
  while (team.waits().n_tasks_early == 0) {
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    team.rest();
    size = size_of_team();
  }
  CHECK(size == 1);
  while (size_of_team() != 3) REQUIRE(std::chrono::steady_clock::now() < deadline);
}

TEST_CASE("a long task is done by all, whoever sleeps") {
  ThreadTeam team(2, ThreadTeam::WhenBusy::kWait);
  for (int i = 0; i < 200; ++i) {
    team.rest();
    int size = 0;
    team.run([&](const ThreadTeam::Member& member) {
      if (member.index() == 0) size = member.size();
    });
    REQUIRE(size == 2);
  }
}

TEST_CASE("a team that was told to rest does not spin first") {
  ThreadTeam team(2, ThreadTeam::WhenBusy::kWait);
  const auto member_seconds = [] { return processor_seconds() - processor_seconds(RUSAGE_THREAD); };
  const auto seconds_of_tasks = [&](bool rests) {
    const double before = member_seconds();
    for (int i = 0; i < 200; ++i) {
      team.run([](const ThreadTeam::Member&) {});
      if (rests) team.rest();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));  // longer than a member spins
    }
    return member_seconds() - before;
  };
  const double without = seconds_of_tasks(false);
  CHECK(seconds_of_tasks(true) < 0.7 * without);
}

TEST_CASE("members who share a core part") {
  if (engine::usable_cores() < 2) return;
  ThreadTeam team(2, ThreadTeam::WhenBusy::kWait);
  const int core = ::sched_getcpu();
  int n_on_one_core = 0;
  for (int task = 0; task < 100; ++task) {
    team.run([&](const ThreadTeam::Member&) { go_to_core(core); });
    team.rest();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    std::array<int, 2> cores{};
    team.run([&](const ThreadTeam::Member& member) {
      for (int round = 0; round < 20; ++round) {
        work_for(std::chrono::microseconds(50));
        member.wait_for_all();
      }
      cores.at(static_cast<std::size_t>(member.index())) = ::sched_getcpu();
    });
    if (cores[0] == cores[1]) ++n_on_one_core;
  }
  CHECK(n_on_one_core < 10);
}

TEST_CASE("a team whose members are not scheduled works as one thread for a while") {
  ThreadTeam team(2);
  const auto size_of_team = [&] {
    int size = 0;
    team.run([&](const ThreadTeam::Member& member) {
      if (member.index() == 0) size = member.size();
      if (member.index() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(20));  // as if another program had its core
    });
    return size;
  };
  int n_slow = 0;
  while (size_of_team() == 2) REQUIRE(++n_slow < 20);
  CHECK(n_slow > 1);  // one wait may be chance
  CHECK(size_of_team() == 1);
  CHECK(team.waits().n_tasks_alone == 2);
}

TEST_CASE("a thread that computes asks for long turns where the kernel has them") {
  struct {  // sched_attr, whose header does not go with <sched.h>
    std::uint32_t size, policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime, deadline, period;
  } attributes{};
  const auto turn = [&] { return ::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) == 0 ? attributes.runtime : 0; };
  const auto before = turn();
  std::uint64_t after = 0;
  std::thread([&] {
    engine::let_others_interrupt_this_thread();
    after = turn();
  }).join();
  if (before == 0) return;  // a kernel that does not tell
  CHECK(after > before);
}

TEST_CASE("a process has at least one core") { CHECK(engine::usable_cores() >= 1); }

}  // namespace octet::tests

#include "engine/model/compute_thread.h"

#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace octet::engine {
namespace {

// Who asks for shorter turns than the running thread may interrupt it. The kernel's own are some 3 ms; these are the longest.
constexpr unsigned long long kTurnNs = 100'000'000;

}  // namespace

void let_others_interrupt_this_thread() {
  sched_attr attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  attributes.sched_runtime = kTurnNs;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace octet::engine

// How threads that compute for milliseconds share the cores with those that answer.
#pragma once

namespace octet::engine {

/// Lets any thread that wakes up, an editor's first of all, take this thread's core at once instead of after some milliseconds. Linux
/// 6.12 and later need to be told; older ones do without, and whatever refuses is no harm.
void let_others_interrupt_this_thread();

}  // namespace octet::engine

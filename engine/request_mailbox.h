// The way into the engine thread: the newest request wins.
//
// All mutexes of engine/ live here.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "engine/completion.h"

namespace octet::engine {

struct Job {
  CompletionRequest request;
  std::unique_ptr<CompletionSink> sink;
  std::stop_source superseded;
};

/// Any thread may post; one thread takes.
class RequestMailbox {
 public:
  /// Adds a job and tells the one that was taken last, and all that wait, that they are superseded.
  /// After close() the job waits for the last take like any other.
  void post(Job job);

  /// Blocks until there is a job or the mailbox is closed. All jobs that wait, oldest first: every one but the last is
  /// superseded. Empty means closed and drained.
  std::vector<Job> wait_take();

  /// Supersedes everything and makes wait_take() return what is left, then nothing.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> waiting_;
  std::stop_source newest_{std::nostopstate};  // of the job posted last: waiting, running or done
  bool closed_ = false;
};

}  // namespace octet::engine

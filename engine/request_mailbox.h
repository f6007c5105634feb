// The way into the engine thread: the newest request wins, and so does the newest word about the model.
//
// All mutexes of engine/ live here and in memory/workspace_index.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "engine/completion.h"
#include "engine/model/open_runner.h"

namespace octet::engine {

struct Job {
  CompletionRequest request;
  std::unique_ptr<CompletionSink> sink;
  std::stop_source superseded;
};

using OpenModel = std::function<Result<OpenedModel>()>;

/// The model that is held is to be dropped.
struct ModelOrder {
  OpenModel open;  // how to load one from now on, at once; empty: as before, when the next request comes
};

/// Any thread may post; one thread takes.
class RequestMailbox {
 public:
  struct Mail {
    std::optional<ModelOrder> order;  // comes before the jobs
    std::vector<Job> jobs;            // oldest first: every one but the last is superseded
  };

  /// Adds a job and tells the one that was taken last, and all that wait, that they are superseded.
  /// After close() the job waits for the last take like any other.
  void post(Job job);

  /// Replaces an order that was not taken yet, but keeps its `open` where this one has none.
  void post(ModelOrder order);

  /// Blocks until there is something or the mailbox is closed. Without order and jobs: closed and drained.
  Mail wait_take();

  /// Supersedes everything and makes wait_take() return what is left, then nothing.
  void close();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Job> waiting_;
  std::optional<ModelOrder> order_;
  std::stop_source newest_{std::nostopstate};  // of the job posted last: waiting, running or done
  bool closed_ = false;
};

}  // namespace octet::engine

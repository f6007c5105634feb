// The engine as its users see it: requests go in from any thread, completions come back on the engine's own.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "bytemodel/result.h"
#include "engine/completion.h"
#include "engine/model/open_runner.h"
#include "engine/request_mailbox.h"

namespace octet::engine {

class Engine {
 public:
  using Open = OpenModel;
  using OnLoaded = std::function<void(const Result<ModelInfo>&)>;

  /// Starts the engine thread, which first calls `open` and then reports to `on_loaded` (may be empty) on that thread.
  /// Requests may be submitted at once; they wait for the model, and end with kModelUnavailable where `open` failed.
  Engine(Open open, OnLoaded on_loaded);

  /// Stops the running request within a step, answers all that wait, and joins the thread.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Any thread; never waits. Every sink gets on_done exactly once, on the engine thread. A newer request supersedes an
  /// older one, whichever document it is for.
  void submit(CompletionRequest request, std::unique_ptr<CompletionSink> sink);

  /// Any thread; never waits. Frees the model and all sessions once the running request is over. The next request loads it again, which is
  /// reported to `on_loaded` like the first time; so does one that follows a failure to load.
  void unload();
  /// The same, but loads at once, and by `open` from now on.
  void reopen(Open open);

 private:
  void run(Open open, const OnLoaded& on_loaded);

  RequestMailbox mailbox_;
  std::thread thread_;  // last: it uses the mailbox
};

}  // namespace octet::engine

#include "engine/engine.h"

#include <optional>
#include <utility>

#include "engine/completer.h"

namespace octet::engine {
namespace {

void finish_without_text(Job& job, StopReason reason) {
  CompletionResult result;
  result.stop_reason = reason;
  job.sink->on_done(std::move(result));
}

}  // namespace

Engine::Engine(Open open, OnLoaded on_loaded)
    : thread_([this, open = std::move(open), on_loaded = std::move(on_loaded)] { run(open, on_loaded); }) {}

Engine::~Engine() {
  mailbox_.close();
  thread_.join();
}

void Engine::submit(CompletionRequest request, std::unique_ptr<CompletionSink> sink) {
  mailbox_.post({std::move(request), std::move(sink), std::stop_source()});
}

void Engine::run(const Open& open, const OnLoaded& on_loaded) {
  auto opened = open();
  if (on_loaded) on_loaded(opened.map([](const OpenedModel& model) { return model.info; }));
  std::optional<Completer> completer;
  if (opened) completer.emplace(std::move(opened->runner), std::move(opened->costs), nullptr, std::move(opened->mixer));

  for (std::vector<Job> jobs = mailbox_.wait_take(); !jobs.empty(); jobs = mailbox_.wait_take()) {
    for (Job& job : jobs) {
      if (job.request.cancelled.stop_requested()) {
        finish_without_text(job, StopReason::kCancelled);
      } else if (job.superseded.stop_requested()) {
        finish_without_text(job, StopReason::kSuperseded);
      } else if (!completer) {
        finish_without_text(job, StopReason::kModelUnavailable);
      } else {
        job.sink->on_done(
            completer->complete(job.request, job.superseded.get_token(), [&](std::string_view text) { job.sink->on_text(text); }));
      }
    }
  }
}

}  // namespace octet::engine

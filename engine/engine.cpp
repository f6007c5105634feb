#include "engine/engine.h"

#include <memory>
#include <optional>
#include <utility>

#include "engine/completer.h"
#include "engine/model/compute_thread.h"

namespace octet::engine {
namespace {

void finish_without_text(Job& job, StopReason reason) {
  CompletionResult result;
  result.stop_reason = reason;
  job.sink->on_done(std::move(result));
}

/// The model and what completes with it, or the reason why there is none.
using LoadedModel = Result<std::unique_ptr<Completer>>;

LoadedModel load(const Engine::Open& open, const Engine::OnLoaded& on_loaded) {
  auto opened = open();
  if (on_loaded) on_loaded(opened.map([](const OpenedModel& model) { return model.info; }));
  if (!opened) return tl::unexpected(opened.error());
  return std::make_unique<Completer>(std::move(opened->runner), std::move(opened->costs), nullptr, std::move(opened->mixer));
}

}  // namespace

Engine::Engine(Open open, OnLoaded on_loaded)
    : thread_([this, open = std::move(open), on_loaded = std::move(on_loaded)]() mutable { run(std::move(open), on_loaded); }) {}

Engine::~Engine() {
  mailbox_.close();
  thread_.join();
}

void Engine::submit(CompletionRequest request, std::unique_ptr<CompletionSink> sink) {
  mailbox_.post(Job{std::move(request), std::move(sink), std::stop_source()});
}

void Engine::unload() { mailbox_.post(ModelOrder{}); }

void Engine::reopen(Open open) { mailbox_.post(ModelOrder{std::move(open)}); }

void Engine::run(Open open, const OnLoaded& on_loaded) {
  let_others_interrupt_this_thread();
  std::optional<LoadedModel> model = load(open, on_loaded);  // nothing: not loaded, or unloaded
  for (auto mail = mailbox_.wait_take(); mail.order || !mail.jobs.empty(); mail = mailbox_.wait_take()) {
    if (mail.order) {
      model.reset();  // before the next one takes memory
      if (mail.order->open) {
        open = std::move(mail.order->open);
        model = load(open, on_loaded);
      }
    }
    for (Job& job : mail.jobs) {
      if (job.request.cancelled.stop_requested()) {
        finish_without_text(job, StopReason::kCancelled);
        continue;
      }
      if (job.superseded.stop_requested()) {
        finish_without_text(job, StopReason::kSuperseded);
        continue;
      }
      if (!model) model = load(open, on_loaded);
      if (!*model) {
        finish_without_text(job, StopReason::kModelUnavailable);
        continue;
      }
      job.sink->on_done(
          (**model)->complete(job.request, job.superseded.get_token(), [&](std::string_view text) { job.sink->on_text(text); }));
    }
  }
}

}  // namespace octet::engine

#include "lsp/model_host.h"

#include <algorithm>
#include <system_error>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace octet::lsp {

void ModelHost::load(const ModelChoice& choice) {
  if (choice_ == choice) return;
  choice_ = choice;
  // Each load reports for itself: what an earlier choice led to no longer counts when it arrives.
  engine::Engine::Open open = [this, load = ++n_loads_, choice, open = open_, post = loop_.post] {
    auto opened = open(choice);
    post([this, load, info = opened.map([](const engine::OpenedModel& model) { return model.info; })] { on_loaded(load, info); });
    return opened;
  };
  if (engine_) {
    engine_->reopen(std::move(open));
  } else {
    try {
      engine_ = std::make_unique<engine::Engine>(std::move(open), nullptr);
    } catch (const std::system_error& error) {  // no thread
      return on_loaded(n_loads_, fail(ErrorCode::kUnreadable, fmt::format("cannot start the thread of the model: {}", error.what())));
    }
  }
  last_use_ = loop_.now();
  enter(ModelState::kLoading);
}

void ModelHost::unload() {
  if (!engine_ || state_ == ModelState::kUnloaded) return;
  engine_->unload();
  spdlog::info("the model is unloaded until it is needed");
  enter(ModelState::kUnloaded);
}

void ModelHost::set_idle_limit(std::chrono::minutes limit) {
  if (idle_limit_ == limit) return;
  idle_limit_ = limit;
  is_watching_ = false;
  watch_idleness();
}

void ModelHost::submit(engine::CompletionRequest request, std::unique_ptr<engine::CompletionSink> sink) {
  if (!engine_) {
    engine::CompletionResult none;
    none.stop_reason = engine::StopReason::kModelUnavailable;
    return sink->on_done(std::move(none));
  }
  last_use_ = loop_.now();
  engine_->submit(std::move(request), std::move(sink));
  if (state_ == ModelState::kUnloaded) enter(ModelState::kLoading);
  watch_idleness();
}

void ModelHost::on_loaded(std::uint64_t load, const Result<engine::ModelInfo>& model) {
  if (load != n_loads_) return;
  if (model) {
    info_ = *model;
    trouble_.clear();
    spdlog::info("model {} ({}) on {} {}, loaded in {:.0f} ms", model->name, model->profile, model->device, model->isa, model->load_ms);
    if (!model->device_note.empty()) spdlog::info("device: {}", model->device_note);
    if (state_ == ModelState::kLoading) enter(ModelState::kReady);
  } else {
    failure_ = model.error().message;
    spdlog::error("no completions: {}", failure_);
    enter(ModelState::kFailed);
  }
  watch_idleness();
}

void ModelHost::note_trouble(const std::string& trouble) {
  if (trouble == trouble_) return;
  trouble_ = trouble;
  spdlog::warn("{}", trouble_);
  on_change_();
}

void ModelHost::enter(ModelState state) {
  state_ = state;
  on_change_();
}

/// One timer at a time, which looks at when the model was used last.
void ModelHost::watch_idleness() {
  if (is_watching_ || idle_limit_.count() == 0 || state_ != ModelState::kReady) return;
  is_watching_ = true;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(last_use_ + idle_limit_ - loop_.now());
  loop_.after(std::max(left, std::chrono::milliseconds(1)), [this, watch = ++n_watches_] {
    if (watch != n_watches_) return;
    is_watching_ = false;
    if (idle_limit_.count() > 0 && state_ == ModelState::kReady && loop_.now() - last_use_ >= idle_limit_) return unload();
    watch_idleness();
  });
}

}  // namespace octet::lsp

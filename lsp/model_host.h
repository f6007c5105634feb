// The engine as the settings want it: which model, on what, and for how long it stays in memory.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "engine/engine.h"
#include "lsp/event_loop.h"

namespace octet::lsp {

/// What the settings say of the model; what they leave out is as on the command line.
struct ModelChoice {
  std::string model;
  std::string device;
  unsigned threads = 0;

  bool operator==(const ModelChoice&) const = default;
};

enum class ModelState { kUnloaded, kLoading, kReady, kFailed };

/// Owned by the main thread, which alone calls it.
class ModelHost {
 public:
  using Open = std::function<Result<engine::OpenedModel>(const ModelChoice&)>;

  /// `open` is called in the engine's thread. `on_change` hears of each new state, on the main thread.
  ModelHost(EventLoop loop, Open open, std::function<void()> on_change)
      : loop_(std::move(loop)), open_(std::move(open)), on_change_(std::move(on_change)) {}

  /// Loads this model, unless it is the one that was loaded last, or tried.
  void load(const ModelChoice& choice);
  /// Frees it; the next request loads it again.
  void unload();
  /// Frees it after this long without a request; zero: never.
  void set_idle_limit(std::chrono::minutes limit);

  /// A request that needs no step is use as well.
  void note_use() { last_use_ = loop_.now(); }

  /// load() was called before.
  void submit(engine::CompletionRequest request, std::unique_ptr<engine::CompletionSink> sink);

  ModelState state() const { return state_; }
  /// Of the model that is loaded, or was.
  const std::optional<engine::ModelInfo>& info() const { return info_; }
  /// What went wrong with its device since, as a completion told; empty: nothing.
  void note_trouble(const std::string& trouble);
  const std::string& trouble() const { return trouble_; }
  /// Why it could not be loaded.
  const std::string& failure() const { return failure_; }

 private:
  void on_loaded(std::uint64_t load, const Result<engine::ModelInfo>& model);
  void enter(ModelState state);
  void watch_idleness();

  EventLoop loop_;
  Open open_;
  std::function<void()> on_change_;
  ModelState state_ = ModelState::kUnloaded;
  std::optional<ModelChoice> choice_;
  std::optional<engine::ModelInfo> info_;
  std::string failure_;
  std::string trouble_;
  std::chrono::minutes idle_limit_{0};
  EventLoop::TimePoint last_use_;
  bool is_watching_ = false;
  std::uint64_t n_watches_ = 0;             // timers of earlier limits no longer count
  std::uint64_t n_loads_ = 0;               // what is said of earlier ones no longer counts
  std::unique_ptr<engine::Engine> engine_;  // last: its thread posts to this
};

}  // namespace octet::lsp

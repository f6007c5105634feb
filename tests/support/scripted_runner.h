// A model that writes the same text behind every prompt, stops where a test wants it to, and tells what it was asked.
//
// A ScriptedModel is the test's end: it outlives the runner, which the engine owns and calls on its own thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "bytemodel/control_bytes.h"
#include "engine/engine.h"
#include "engine/model/model_runner.h"

namespace octet::tests {

/// Far beyond what any step takes, so that only a hang reaches it.
inline constexpr std::chrono::seconds kHangTimeout{120};

/// A place where the engine thread waits while the gate is shut.
class Gate {
 public:
  void shut() {
    const std::lock_guard lock(mutex_);
    is_open_ = false;
  }

  void open() {
    {
      const std::lock_guard lock(mutex_);
      is_open_ = true;
    }
    changed_.notify_all();
  }

  /// Lets the next `n` through though the gate stays shut.
  void let_through(int n) {
    {
      const std::lock_guard lock(mutex_);
      n_passes_ = n;
    }
    changed_.notify_all();
  }

  /// Engine thread.
  void wait_through() {
    std::unique_lock lock(mutex_);
    ++n_inside_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return is_open_ || n_passes_ > 0; });
    if (!is_open_) --n_passes_;
    --n_inside_;
  }

  /// Test thread: until someone stands before the shut gate and may not pass; false when nobody comes.
  bool wait_until_occupied() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kHangTimeout, [&] { return n_inside_ > 0 && n_passes_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int n_inside_ = 0;
  int n_passes_ = 0;
  bool is_open_ = true;
};

/// Safe on any thread.
class ScriptedModel {
 public:
  enum class Logits { kScript, kNan };

  explicit ScriptedModel(std::string script, Logits logits = Logits::kScript) : script_(std::move(script)), logits_(logits) {}

  /// Before the model is opened / before each forward().
  Gate loading;
  Gate step;

  const std::string& script() const { return script_; }
  Logits logits() const { return logits_; }

  std::size_t n_forwards() const {
    const std::lock_guard lock(mutex_);
    return n_forwards_;
  }

  /// The whole prompt that was read last.
  std::string last_prompt() const {
    const std::lock_guard lock(mutex_);
    return last_prompt_;
  }

  void record_forward() {
    const std::lock_guard lock(mutex_);
    ++n_forwards_;
  }

  void record_prompt(std::string prompt) {
    const std::lock_guard lock(mutex_);
    last_prompt_ = std::move(prompt);
  }

 private:
  const std::string script_;
  const Logits logits_;
  mutable std::mutex mutex_;
  std::size_t n_forwards_ = 0;
  std::string last_prompt_;
};

/// Counts the script from where the last Rows::kLast call ended: that is the prompt's end. The draft heads know the script
/// too, so that a short one takes a single verify step, well inside any time budget.
class ScriptedRunner final : public engine::ModelRunner {
 public:
  explicit ScriptedRunner(std::shared_ptr<ScriptedModel> model) : model_(std::move(model)) {
    config_.max_context = 16384;  // the documents of the tests fit whole
    config_.n_predict = 12;
  }

  const bytemodel::ModelConfig& config() const override { return config_; }
  const char* device() const override { return "test"; }
  const char* isa() const override { return "script"; }
  std::size_t max_batch() const override { return kMaxBatch; }

  std::unique_ptr<engine::KvCache> new_cache() const override {
    return std::make_unique<Cache>(static_cast<std::size_t>(config_.max_context) + kMaxBatch);
  }

  void copy_cache(const engine::KvCache& from, engine::KvCache& to) const override { static_cast<Cache&>(to).copy(from); }

  engine::LogitsRows forward(std::span<const Piece> pieces, Rows rows) override {
    engine::KvCache& cache = *pieces[0].cache;
    if (pieces.size() > 1) return forward_many(pieces);
    const auto bytes = pieces[0].bytes;
    model_->record_forward();
    model_->step.wait_through();
    start_ = cache.length();
    cache.append(bytes);
    if (rows == Rows::kLast) {
      prompt_end_ = cache.length();
      model_->record_prompt(std::string(cache.bytes().begin(), cache.bytes().end()));
      write_row(0, prompt_end_);
      return {logits_.data(), 1};
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) write_row(i, start_ + i + 1);
    return {logits_.data(), bytes.size()};
  }

  void begin_draft(std::size_t row, const engine::KvCache&) override {
    // After the prompt's last chunk the row counts from that chunk's start, as in the other calls.
    draft_pos_ = start_ + row + 1;
  }

  engine::LogitsRow next_draft(std::uint8_t) override {
    write_row(0, ++draft_pos_);
    return engine::LogitsRows(logits_.data(), 1)[0];
  }

 private:
  static constexpr std::size_t kMaxBatch = 64;

  class Cache final : public engine::KvCache {
   public:
    explicit Cache(std::size_t capacity) : KvCache(capacity) {}
    void copy(const engine::KvCache& from) { copy_bytes(from); }
  };

  engine::LogitsRows forward_many(std::span<const Piece> pieces) {
    model_->record_forward();
    model_->step.wait_through();
    std::size_t row = 0;
    for (const Piece& piece : pieces) {
      for (std::size_t i = 0; i < piece.bytes.size(); ++i) write_row(row++, piece.cache->length() + i + 1);
      piece.cache->append(piece.bytes);
    }
    return {logits_.data(), row};
  }

  /// Logits of the byte at `pos` of the sequence.
  void write_row(std::size_t row, std::size_t pos) {
    const auto first = logits_.begin() + static_cast<std::ptrdiff_t>(row * engine::kVocabulary);
    const bool is_nan = model_->logits() == ScriptedModel::Logits::kNan;
    std::fill_n(first, engine::kVocabulary, is_nan ? std::numeric_limits<float>::quiet_NaN() : 0.0F);
    if (is_nan) return;
    std::fill(first + 'a', first + 'z' + 1, 1.0F);  // what comes second are letters
    const std::size_t i = pos - prompt_end_;
    const std::string& script = model_->script();
    const std::uint8_t next = i < script.size() ? static_cast<std::uint8_t>(script[i]) : kEnd;
    *(first + next) = 10.0F;
  }

  std::shared_ptr<ScriptedModel> model_;
  bytemodel::ModelConfig config_;
  std::vector<float> logits_ = std::vector<float>(kMaxBatch * engine::kVocabulary);
  std::size_t start_ = 0;       // length of the cache before the last forward()
  std::size_t prompt_end_ = 0;  // where the script begins
  std::size_t draft_pos_ = 0;
};

/// What Engine takes to open `model`.
inline engine::Engine::Open opener(std::shared_ptr<ScriptedModel> model) {
  return [model = std::move(model)]() -> Result<engine::OpenedModel> {
    model->loading.wait_through();
    engine::OpenedModel opened;
    opened.runner = std::make_unique<ScriptedRunner>(model);
    opened.info.name = "scripted";
    return opened;
  };
}

}  // namespace octet::tests

#include "engine/decode/decode_loop.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "bytemodel/control_bytes.h"
#include "engine/decode/verify.h"

namespace octet::engine {
namespace {

/// The way out of certain bytes: UTF-8 gate, stop rules, line ends, budget, sink.
class Emitter {
 public:
  explicit Emitter(const DecodeTask& task)
      : rules_(task.rules), max_bytes_(task.max_bytes), use_crlf_(task.use_crlf), on_text_(task.on_text) {}

  /// Takes the next byte of the completion; returns why it ends here, if it does.
  std::optional<StopReason> push(const Choice& choice) {
    if (choice.byte == kEnd) {
      release();
      return StopReason::kEnd;
    }
    log_probability_ += std::log(std::max(static_cast<double>(choice.probability), 1e-30));
    ++n_bytes_;
    if (const std::string_view character = gate_.push(choice.byte); !character.empty()) {
      const auto verdict = rules_.next(character);
      if (verdict == StopRules::Verdict::kStop) return rules_.stop_reason();
      if (use_crlf_ && character == "\n" && last_ != '\r') held_ += '\r';
      held_ += character;
      last_ = character.back();
      if (verdict == StopRules::Verdict::kRelease) release();
    }
    if (n_bytes_ >= max_bytes_) return StopReason::kByteBudget;
    return std::nullopt;
  }

  std::size_t room() const { return max_bytes_ - n_bytes_; }
  std::string take_text() { return std::move(text_); }
  double confidence() const { return n_bytes_ == 0 ? 0 : std::exp(log_probability_ / static_cast<double>(n_bytes_)); }

 private:
  void release() {
    if (held_.empty()) return;
    text_ += held_;
    on_text_(held_);
    held_.clear();
  }

  StopRules rules_;
  std::size_t max_bytes_;
  bool use_crlf_;
  char last_ = '\0';
  const std::function<void(std::string_view)>& on_text_;
  Utf8Gate gate_;
  std::string text_;
  std::string held_;
  std::size_t n_bytes_ = 0;
  double log_probability_ = 0;
};

}  // namespace

DecodeOutcome decode(DecodeTask task) {
  const auto max_context = static_cast<std::size_t>(task.runner.config().max_context);
  Emitter emitter(task);
  DecodeOutcome outcome;
  Utf8State state;
  std::size_t row = task.row;
  Choice own = task.first;
  std::vector<std::uint8_t> draft;
  std::vector<std::uint8_t> batch;

  const auto advance = [&]() -> std::optional<StopReason> {
    if (auto stop = task.interrupt.check()) return stop;
    if (task.cache.length() >= max_context) return StopReason::kContextFull;
    if (auto stop = emitter.push(own)) return stop;
    state.advance(own.byte);

    // No proposal reaches beyond what may still be emitted. The byte behind a draft comes free with its last row.
    const std::size_t room = std::min({task.runner.max_batch(), emitter.room(), max_context - task.cache.length()}) - 1;
    task.drafter.propose({task.cache, row, own.byte, state}, room, draft);
    batch.assign(1, own.byte);
    batch.insert(batch.end(), draft.begin(), draft.end());
    const std::size_t start = task.cache.length();
    const Verdict verdict = verify(task.runner.forward(batch, task.cache, ModelRunner::Rows::kAll), draft, state);
    row = verdict.accepted.size();
    task.cache.truncate(start + 1 + row);
    ++outcome.steps;
    outcome.drafted += draft.size();
    outcome.accepted += row;

    for (const Choice& choice : verdict.accepted) {
      if (auto stop = emitter.push(choice)) return stop;
      state.advance(choice.byte);
    }
    if (!verdict.next) return StopReason::kModelFailure;
    own = *verdict.next;
    return std::nullopt;
  };

  std::optional<StopReason> stop;
  while (!stop) stop = advance();
  outcome.stop_reason = *stop;
  outcome.confidence = emitter.confidence();
  outcome.text = emitter.take_text();
  return outcome;
}

}  // namespace octet::engine

#include "engine/decode/decode_loop.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"
#include "engine/decode/emitter.h"
#include "engine/decode/verify.h"

namespace octet::engine {
namespace {

/// One task on its way.
class Sequence {
 public:
  Sequence(const DecodeTask& task, std::size_t max_context)
      : task_(task),
        max_context_(max_context),
        emitter_({task.rules, task.max_bytes, task.use_crlf, task.on_text}),
        row_(task.row),
        own_(task.first) {}

  /// Sends the certain byte out; returns whether there is to be a step.
  bool emit_own() {
    stop_ = task_.interrupt.check();
    if (!stop_ && task_.cache.length() >= max_context_) stop_ = StopReason::kContextFull;
    if (stop_) stop_ = emitter_.end(*stop_);
    if (!stop_) stop_ = emitter_.push(own_);
    if (stop_) return false;
    state_.advance(own_.byte);
    task_.chooser.advance(own_.byte);
    return true;
  }

  /// The bytes of the next step: the certain one and a draft, at most max_rows.
  std::span<const std::uint8_t> propose(std::size_t max_rows, std::size_t n_sequences) {
    // No proposal reaches beyond what may still be emitted. The byte behind a draft comes free with its last row.
    const std::size_t room = std::min({max_rows, emitter_.room(), max_context_ - task_.cache.length()}) - 1;
    task_.drafter.propose({task_.cache, row_, own_.byte, state_, task_.chooser, n_sequences}, room, draft_);
    start_ = task_.cache.length();
    batch_.assign(1, own_.byte);
    batch_.insert(batch_.end(), draft_.bytes.begin(), draft_.bytes.end());
    return batch_;
  }

  std::size_t n_rows() const { return batch_.size(); }
  KvCache& cache() { return task_.cache; }
  const Interrupt& interrupt() const { return task_.interrupt; }

  /// Keeps what the primary head agrees with; `rows` are this sequence's, the first of them `first_row` of the step.
  void take(const LogitsRows& rows, std::size_t first_row) {
    const Verdict verdict = verify(rows, draft_.bytes, state_, task_.chooser);
    const std::size_t n_accepted = verdict.accepted.size();
    row_ = first_row + n_accepted;
    task_.cache.truncate(start_ + 1 + n_accepted);
    task_.drafter.observe(draft_, n_accepted);
    ++outcome_.steps;
    outcome_.drafted += draft_.bytes.size();
    outcome_.accepted += n_accepted;
    for (const Choice& choice : verdict.accepted) {
      stop_ = emitter_.push(choice);
      if (stop_) return;
      state_.advance(choice.byte);
    }
    if (verdict.next) {
      own_ = *verdict.next;
    } else {
      stop_ = StopReason::kModelFailure;
    }
  }

  bool is_over() const { return stop_.has_value(); }

  DecodeOutcome finish() {
    outcome_.stop_reason = *stop_;
    outcome_.confidence = emitter_.confidence();
    outcome_.text = emitter_.take_text();
    outcome_.sources = emitter_.take_sources();
    outcome_.probabilities = emitter_.take_probabilities();
    return std::move(outcome_);
  }

 private:
  const DecodeTask& task_;
  std::size_t max_context_;
  Emitter emitter_;
  DecodeOutcome outcome_;
  Utf8State state_;
  std::size_t row_;
  Choice own_;
  std::size_t start_ = 0;  // length of the cache before the step
  Draft draft_;
  std::vector<std::uint8_t> batch_;
  std::optional<StopReason> stop_;
};

}  // namespace

std::vector<DecodeOutcome> decode_batch(ModelRunner& runner, std::span<const DecodeTask> tasks) {
  OCTET_CHECK(!tasks.empty() && tasks.size() <= runner.max_batch());
  const auto max_context = static_cast<std::size_t>(runner.config().max_context);
  std::vector<Sequence> sequences;
  sequences.reserve(tasks.size());
  for (const DecodeTask& task : tasks) sequences.emplace_back(task, max_context);

  std::vector<Sequence*> running;
  std::vector<ModelRunner::Piece> pieces;
  while (true) {
    running.clear();
    for (Sequence& sequence : sequences) {
      if (!sequence.is_over() && sequence.emit_own()) running.push_back(&sequence);
    }
    if (running.empty()) break;
    pieces.clear();
    for (Sequence* sequence : running) {
      pieces.push_back({sequence->propose(runner.max_batch() / running.size(), running.size()), &sequence->cache()});
    }
    const LogitsRows rows = runner.forward(pieces, ModelRunner::Rows::kAll);
    // The branches of a request share its interrupt, and the step is one for it.
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (i == 0 || &running[i]->interrupt() != &running[i - 1]->interrupt()) running[i]->interrupt().count_step();
    }
    std::size_t first_row = 0;
    for (Sequence* sequence : running) {
      sequence->take(rows.part(first_row, sequence->n_rows()), first_row);
      first_row += sequence->n_rows();
    }
  }

  std::vector<DecodeOutcome> outcomes;
  for (Sequence& sequence : sequences) outcomes.push_back(sequence.finish());
  return outcomes;
}

}  // namespace octet::engine

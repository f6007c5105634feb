#include "engine/decode/decode_loop.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"
#include "engine/decode/verify.h"

namespace octet::engine {
namespace {

const std::string kNoOrigin;

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
    attributions_.push_back(choice);
    if (const std::string_view character = gate_.push(choice.byte); !character.empty()) {
      const auto verdict = rules_.next(character);
      if (verdict == StopRules::Verdict::kStop) return rules_.stop_reason();
      if (use_crlf_ && character == "\n" && last_ != '\r') hold("\r", attributions_.back());
      for (std::size_t i = 0; i < character.size(); ++i)
        hold(character.substr(i, 1), attributions_[attributions_.size() - character.size() + i]);
      attributions_.clear();
      last_ = character.back();
      if (verdict == StopRules::Verdict::kRelease) release();
    }
    if (n_bytes_ >= max_bytes_) return StopReason::kByteBudget;
    return std::nullopt;
  }

  std::size_t room() const { return max_bytes_ - n_bytes_; }
  std::string take_text() { return std::move(text_); }
  std::vector<SourceRun> take_sources() { return std::move(sources_); }
  std::vector<float> take_probabilities() { return std::move(probabilities_); }
  double confidence() const { return n_bytes_ == 0 ? 0 : std::exp(log_probability_ / static_cast<double>(n_bytes_)); }

 private:
  void release() {
    if (held_.empty()) return;
    text_ += held_;
    on_text_(held_);
    held_.clear();
    for (const Choice& choice : held_sources_) {
      const std::string& origin = choice.origin == nullptr ? kNoOrigin : *choice.origin;
      if (sources_.empty() || sources_.back().source != choice.source || sources_.back().origin != origin)
        sources_.push_back({0, choice.source, origin});
      ++sources_.back().n_bytes;
      probabilities_.push_back(choice.probability);
    }
    held_sources_.clear();
  }

  void hold(std::string_view byte, const Choice& choice) {
    held_ += byte;
    held_sources_.push_back(choice);
  }

  StopRules rules_;
  std::size_t max_bytes_;
  bool use_crlf_;
  char last_ = '\0';
  const std::function<void(std::string_view)>& on_text_;
  Utf8Gate gate_;
  std::string text_;
  std::string held_;
  std::vector<Choice> held_sources_;  // of the bytes of held_
  std::vector<Choice> attributions_;  // of the bytes of a character that is not whole yet
  std::vector<SourceRun> sources_;
  std::vector<float> probabilities_;
  std::size_t n_bytes_ = 0;
  double log_probability_ = 0;
};

/// One task on its way.
class Sequence {
 public:
  Sequence(const DecodeTask& task, std::size_t max_context)
      : task_(task), max_context_(max_context), emitter_(task), row_(task.row), own_(task.first) {}

  /// Sends the certain byte out; returns whether there is to be a step.
  bool emit_own() {
    stop_ = task_.interrupt.check();
    if (!stop_ && task_.cache.length() >= max_context_) stop_ = StopReason::kContextFull;
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

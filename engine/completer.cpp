#include "engine/completer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "bytemodel/check.h"
#include "engine/context/prompt_builder.h"
#include "engine/decode/decode_loop.h"
#include "engine/decode/head_drafter.h"

namespace octet::engine {
namespace {

/// A session holds a few megabytes; a person moves between a handful of files.
constexpr std::size_t kMaxSessions = 8;

/// The allowed bytes in the order of their logits, best first; equal ones by value.
std::vector<Choice> ranked(LogitsRow row, std::size_t n) {
  ByteMask allowed = Utf8State().allowed();
  std::vector<Choice> choices;
  while (choices.size() < n) {
    const auto choice = choose(row, allowed);
    if (!choice) break;
    choices.push_back(*choice);
    allowed[choice->byte] = false;
  }
  return choices;
}

}  // namespace

Completer::Completer(std::unique_ptr<ModelRunner> runner, std::unique_ptr<Drafter> drafter)
    : runner_(std::move(runner)), drafter_(std::move(drafter)) {
  if (!drafter_) drafter_ = std::make_unique<HeadDrafter>(*runner_);
}

Session& Completer::session_for(const std::string& uri) {
  const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Entry& e) { return e.uri == uri; });
  if (found != sessions_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found);
  } else {
    if (sessions_.size() == kMaxSessions) sessions_.pop_back();
    sessions_.push_front({uri, Session(*runner_)});
  }
  return sessions_.front().session;
}

CompletionResult Completer::complete(const CompletionRequest& request, const std::stop_token& superseded, const OnText& on_text) {
  const std::string_view text = request.document.view();
  OCTET_CHECK(request.cursor <= text.size() && request.limits.max_bytes >= 1);
  const Stopwatch total;
  CompletionResult result;
  Interrupt interrupt{request.cancelled, superseded, std::nullopt};
  const auto finish = [&](StopReason reason) {
    result.stop_reason = reason;
    result.times.total = total.elapsed_ms();
    return result;
  };

  // The completion gets the room that it asks for, within half of the context.
  const auto max_context = static_cast<std::size_t>(runner_->config().max_context);
  const std::size_t reserved = std::min(request.limits.max_bytes, max_context / 2);
  const auto prompt = build_prompt(request.document, request.cursor, max_context - reserved);
  result.counts.prompt_bytes = prompt.size();
  result.times.context = total.elapsed_ms();

  const Stopwatch prefill;
  Session& session = session_for(request.document.uri);
  const auto prefilled = session.prefill(prompt, interrupt);
  result.counts.reused_bytes = prefilled.n_reused;
  result.counts.prefilled_bytes = prefilled.n_computed;
  result.times.prefill = prefill.elapsed_ms();
  if (prefilled.interrupted) return finish(*prefilled.interrupted);

  const Stopwatch decoding;
  if (request.limits.max_decode_ms > 0) {
    interrupt.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(request.limits.max_decode_ms);
  }
  const bool crlf = uses_crlf(text, request.cursor);
  NoDrafter no_drafter;
  Drafter& drafter = request.use_draft ? *drafter_ : no_drafter;
  const auto run = [&](std::size_t row, const Choice& first, const OnText& sink) {
    return decode({*runner_, session.cache(), row, first, drafter, StopRules(text, request.cursor, request.multiline, request.raw),
                   request.limits.max_bytes, crlf, interrupt, sink});
  };

  const auto first_bytes = ranked(session.last_logits(), std::max<std::size_t>(request.alternatives, 1));
  if (first_bytes.empty()) return finish(StopReason::kModelFailure);
  const DecodeOutcome outcome = run(prefilled.last_row, first_bytes[0], [&](std::string_view piece) {
    if (result.times.first_byte == 0) result.times.first_byte = total.elapsed_ms();
    if (on_text) on_text(piece);
  });
  result.text = outcome.text;
  result.confidence = outcome.confidence;
  result.counts.steps = outcome.steps;
  result.counts.drafted = outcome.drafted;
  result.counts.accepted = outcome.accepted;

  // Further completions branch off at the first byte; the prompt's last byte is computed again for its hidden state.
  for (std::size_t i = 1; i < first_bytes.size() && !interrupt.check(); ++i) {
    session.cache().truncate(prompt.size() - 1);
    runner_->forward(std::span(prompt).last(1), session.cache(), ModelRunner::Rows::kLast);
    std::string alternative = run(0, first_bytes[i], [](std::string_view) {}).text;
    const auto& known = result.alternatives;
    if (!alternative.empty() && alternative != result.text && std::find(known.begin(), known.end(), alternative) == known.end()) {
      result.alternatives.push_back(std::move(alternative));
    }
  }
  result.times.decode = decoding.elapsed_ms();
  return finish(outcome.stop_reason);
}

}  // namespace octet::engine

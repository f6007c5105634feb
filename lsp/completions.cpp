#include "lsp/completions.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace octet::lsp {
namespace {

/// How long a client that cannot stream waits for the rest of a text, from its first byte on. Who asked waits for all of it.
constexpr std::chrono::milliseconds kTextPatience{150};
/// How long a request waits for a model that is being loaded. Who asked waits until it is.
constexpr std::chrono::milliseconds kLoadPatience{150};
/// No completion is computed longer than this, whoever might still take it.
constexpr int kMaxDecodeMs = 2000;
/// How many different completions who asks for one gets to choose from.
constexpr std::size_t kAlternatives = 3;

/// Carries a completion from the engine thread to the main thread.
class PostingSink final : public engine::CompletionSink {
 public:
  using OnText = std::function<void(const std::string&)>;
  using OnDone = std::function<void(const engine::CompletionResult&)>;
  PostingSink(std::function<void(std::function<void()>)> post, OnText on_text, OnDone on_done)
      : post_(std::move(post)), on_text_(std::move(on_text)), on_done_(std::move(on_done)) {}

  void on_text(std::string_view text) override {
    post_([on_text = on_text_, text = std::string(text)] { on_text(text); });
  }
  void on_done(engine::CompletionResult result) override {
    post_([on_done = std::move(on_done_), result = std::move(result)] { on_done(result); });
  }

 private:
  std::function<void(std::function<void()>)> post_;
  OnText on_text_;
  OnDone on_done_;
};

}  // namespace

void Completions::set_client(PositionEncoding encoding, bool wants_partials) {
  encoding_ = encoding;
  wants_partials_ = wants_partials;
}

void Completions::configure(const Settings& settings) {
  if (settings == settings_) return;  // clients tell the same again and again
  settings_ = settings;
  forget();
}

void Completions::forget() {
  stop_live(Silence::kSuperseded);
  suggestions_.clear();
}

bool Completions::is_waiting(const Json& id) const {
  return (debounced_ && debounced_->id == id) || (live_ && live_->waiting && live_->waiting->id == id);
}

void Completions::request(const Json& id, Reply reply, const InlineCompletionParams& params, const engine::DocumentSnapshot& document) {
  CompletionPlace place = make_place(document, params, encoding_);
  Waiting waiting{
      id,          std::move(reply), std::move(place.document), place.cursor, std::move(place.frame), params.is_invoked, parts_.loop.now(),
      ++n_waiting_};
  if (debounced_) {
    answer(*debounced_, Silence::kSuperseded);
    debounced_.reset();
  }
  if (const auto refused = parts_.policy.refusal(document)) return answer(waiting, *refused);
  if (!waiting.is_invoked && !params.selected && !has_room(waiting.document.view(), waiting.cursor))
    return answer(waiting, Silence::kNoRoom);
  const auto workspace = parts_.memory.knowledge_of(waiting.document.path).snapshot;
  if (const auto found = suggestions_.find(waiting.document, waiting.cursor, waiting.is_invoked, workspace.get())) {
    if (live_ && live_->waiting) stop_live(Silence::kSuperseded);
    parts_.model.note_use();
    return answer(waiting, found->number, found->texts, /*from_memory=*/true);
  }
  if (settings_.debounce_ms == 0 || waiting.is_invoked) return begin(std::move(waiting));
  debounced_.emplace(std::move(waiting));
  parts_.loop.after(std::chrono::milliseconds(settings_.debounce_ms), [this, serial = debounced_->serial] {
    if (!debounced_ || debounced_->serial != serial) return;
    Waiting ready = std::move(*debounced_);
    debounced_.reset();
    begin(std::move(ready));
  });
}

/// Joins what is computed where it leads on from there, else has it computed anew.
void Completions::begin(Waiting waiting) {
  if (!live_ || (waiting.is_invoked && !live_->suggestion.has_alternatives) ||
      !remaining(live_->suggestion, waiting.document, waiting.cursor)) {
    return compute(std::move(waiting));
  }
  if (live_->waiting) answer(*live_->waiting, Silence::kSuperseded);
  live_->waiting.reset();
  live_->waiting.emplace(std::move(waiting));
  if (live_->is_overdue) return answer_with_what_is_there();
  if (!wants_partials_) start_deadline(kTextPatience);
}

void Completions::compute(Waiting waiting) {
  stop_live(Silence::kSuperseded);
  engine::CompletionRequest request;
  request.document = waiting.document;
  request.cursor = waiting.cursor;
  request.limits.max_bytes = settings_.max_bytes;
  request.limits.max_decode_ms = kMaxDecodeMs;
  // Who asks wants to see what there is.
  request.limits.min_confidence = waiting.is_invoked ? 0 : settings_.min_confidence;
  request.multiline = settings_.multiline;
  request.alternatives = waiting.is_invoked ? kAlternatives : 1;
  const WorkspaceMemory::Knowledge knowledge = parts_.memory.knowledge_of(waiting.document.path);
  request.workspace = knowledge.snapshot;
  request.workspace_path = knowledge.relative_path;

  const std::uint64_t number = ++n_suggestions_;
  live_.emplace();
  live_->suggestion = {number, waiting.document, waiting.cursor, {""}, waiting.is_invoked, knowledge.snapshot};
  request.cancelled = live_->cancel.get_token();
  live_->waiting.emplace(std::move(waiting));
  if (parts_.model.state() != ModelState::kReady && !live_->waiting->is_invoked) {
    parts_.loop.after(kLoadPatience, [this, serial = live_->waiting->serial] {
      if (!live_ || !live_->waiting || live_->waiting->serial != serial || parts_.model.state() != ModelState::kLoading) return;
      answer(*live_->waiting, Silence::kModelLoading);
      live_->waiting.reset();
    });
  }
  auto sink = std::make_unique<PostingSink>(
      parts_.loop.post, [this, number](const std::string& piece) { on_text(number, piece); },
      [this, number, request](const engine::CompletionResult& result) { on_done(number, request, result); });
  parts_.model.submit(std::move(request), std::move(sink));
  parts_.on_change();
}

void Completions::cancel(const Json& id) {
  if (debounced_ && debounced_->id == id) {
    withdraw(*debounced_);
    debounced_.reset();
  } else if (live_ && live_->waiting && live_->waiting->id == id) {
    withdraw(*live_->waiting);
    live_->waiting.reset();
    stop_live(Silence::kCancelled);
  }
}

void Completions::document_changed(const engine::DocumentSnapshot& document) {
  if (!live_ || live_->waiting || live_->suggestion.document.uri != document.uri) return;
  // The person goes another way: nobody will ask for the rest.
  const std::size_t then = live_->suggestion.document.text->size();
  const std::size_t now = document.text->size();
  if (now < then || !remaining(live_->suggestion, document, live_->suggestion.cursor + (now - then))) stop_live(Silence::kSuperseded);
}

void Completions::shut_down() {
  if (debounced_) answer(*debounced_, Silence::kShutDown);
  debounced_.reset();
  stop_live(Silence::kShutDown);
}

/// What the engine still says of it goes to the statistics alone.
void Completions::stop_live(Silence reason) {
  if (!live_) return;
  live_->cancel.request_stop();
  if (live_->waiting) answer(*live_->waiting, reason);
  live_.reset();
  parts_.on_change();
}

void Completions::on_text(std::uint64_t number, const std::string& piece) {
  if (!live_ || live_->suggestion.number != number) return;
  std::string& text = live_->suggestion.texts.front();
  const bool is_first = text.empty();
  text += piece;
  if (!live_->waiting) return;
  if (wants_partials_) {
    const auto left = remaining(live_->suggestion, live_->waiting->document, live_->waiting->cursor);
    if (left && !left->front().empty()) send_partial(*live_->waiting, *left, /*is_done=*/false);
  } else if (live_->is_overdue) {
    answer_with_what_is_there();
  } else if (is_first) {
    start_deadline(kTextPatience);
  }
}

void Completions::on_done(std::uint64_t number, const engine::CompletionRequest& request, const engine::CompletionResult& result) {
  parts_.statistics.computed(result.counts);
  const auto& counts = result.counts;
  spdlog::debug("suggestion {}: {}, prompt {} (reused {}), steps {}, drafted {}, accepted {}, {:.1f} ms (prefill {:.1f}, decode {:.1f})",
                number, engine::to_string(result.stop_reason), counts.prompt_bytes, counts.reused_bytes, counts.steps, counts.drafted,
                counts.accepted, result.times.total, result.times.prefill, result.times.decode);
  if (!result.trouble.empty()) parts_.model.note_trouble(result.trouble);
  if (!live_ || live_->suggestion.number != number) return;
  Suggestion suggestion = std::move(live_->suggestion);
  std::optional<Waiting> waiting = std::move(live_->waiting);
  live_.reset();
  last_work_ = to_work(result);
  suggestion.texts = {result.text};
  suggestion.texts.insert(suggestion.texts.end(), result.alternatives.begin(), result.alternatives.end());
  std::erase(suggestion.texts, "");
  if (!result.text.empty()) last_explanation_ = to_explanation(request, result);
  std::vector<std::string> left;
  if (waiting) left = remaining(suggestion, waiting->document, waiting->cursor).value_or(left);
  std::erase(left, "");
  if (waiting && !left.empty()) {
    if (wants_partials_) send_partial(*waiting, left, /*is_done=*/true);
    answer(*waiting, number, left, /*from_memory=*/false);
  } else if (waiting) {
    answer(*waiting, silence_of(result.stop_reason));
  }
  // Who asks again is not given what time cut off.
  if (result.stop_reason == engine::StopReason::kTimeBudget) suggestion.has_alternatives = false;
  if (!suggestion.texts.empty()) suggestions_.add(std::move(suggestion));
  parts_.on_change();
}

void Completions::start_deadline(std::chrono::milliseconds limit) {
  if (live_->waiting->is_invoked) return;
  parts_.loop.after(limit, [this, serial = live_->waiting->serial] { on_deadline(serial); });
}

void Completions::on_deadline(std::uint64_t serial) {
  if (!live_ || !live_->waiting || live_->waiting->serial != serial) return;
  live_->is_overdue = true;
  answer_with_what_is_there();
}

/// The rest is answered from memory when the person types on, or asks again.
void Completions::answer_with_what_is_there() {
  const std::vector<std::string> left =
      remaining(live_->suggestion, live_->waiting->document, live_->waiting->cursor).value_or(std::vector<std::string>());
  if (left.empty() || left.front().empty()) return;
  answer(*live_->waiting, live_->suggestion.number, left, /*from_memory=*/false);
  live_->waiting.reset();
}

void Completions::send_partial(Waiting& waiting, const std::vector<std::string>& left, bool is_done) {
  parts_.send(make_notification("octet/inlineCompletionPartial", {{"uri", waiting.document.uri},
                                                                  {"version", waiting.document.version},
                                                                  {"requestId", waiting.id},
                                                                  {"sequence", waiting.n_partials++},
                                                                  {"text", waiting.frame.typed + left.front()},
                                                                  {"range", to_json(waiting.frame.range)},
                                                                  {"done", is_done}}));
}

void Completions::answer(Waiting& waiting, std::uint64_t number, const std::vector<std::string>& texts, bool from_memory) {
  const std::string token = token_of(number);
  waiting.reply.result(make_items(waiting.frame, texts, token));
  const double ms = std::chrono::duration<double, std::milli>(parts_.loop.now() - waiting.asked).count();
  parts_.statistics.offered(token, texts.front().size(), waiting.frame.typed.size());
  parts_.statistics.answered(ms, texts.front().size(), from_memory);
  last_silence_.reset();
  spdlog::info("completion {}: {} v{} {} bytes{}, {:.1f} ms", waiting.id.dump(), waiting.document.language, waiting.document.version,
               texts.front().size(), from_memory ? " of an earlier suggestion" : "", ms);
}

void Completions::answer(Waiting& waiting, Silence reason) {
  waiting.reply.result(make_items(waiting.frame, {}, {}));
  last_silence_ = reason;
  note(waiting, reason);
}

void Completions::withdraw(Waiting& waiting) {
  waiting.reply.error(RpcError::kRequestCancelled, "cancelled by the client");
  note(waiting, Silence::kCancelled);
}

void Completions::note(const Waiting& waiting, Silence reason) {
  parts_.statistics.silent(reason);
  spdlog::info("completion {}: {} v{} nothing: {}", waiting.id.dump(), waiting.document.language, waiting.document.version,
               to_string(reason));
}

}  // namespace octet::lsp

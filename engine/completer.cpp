#include "engine/completer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "bytemodel/check.h"
#include "engine/context/prompt_builder.h"
#include "engine/decode/decode_loop.h"
#include "engine/decode/head_drafter.h"
#include "engine/memory/memory_chooser.h"

namespace octet::engine {
namespace {

/// A session holds a few megabytes; a person moves between a handful of files.
constexpr std::size_t kMaxSessions = 8;

/// A cancelled prefill ends with its chunk: well within the 20 ms that a user may notice, on a machine half as fast as measured.
constexpr double kMaxChunkMs = 10;

/// Larger documents are completed by their indentation: parsing one whole, when it is opened, takes 60 to 100 ms at this size.
constexpr std::size_t kMaxParsedBytes = std::size_t{512} << 10;
/// No source text takes so long, on no machine that is busy with others: what is written must not depend on time. A document that does,
/// twice, is left alone from then on.
constexpr std::chrono::milliseconds kParsePatience{2000};
constexpr int kMaxLateParses = 2;

/// While a completion is computed, those who help are awake.
class Shift {
 public:
  explicit Shift(ModelRunner& runner) : runner_(runner) { runner_.wake(); }
  ~Shift() { runner_.rest(); }
  Shift(const Shift&) = delete;
  Shift& operator=(const Shift&) = delete;

 private:
  ModelRunner& runner_;
};

/// The allowed bytes in the order in which they would be chosen.
std::vector<Choice> ranked(LogitsRow row, std::size_t n, ByteChooser& chooser) {
  ByteMask allowed = Utf8State().allowed();
  std::vector<Choice> choices;
  while (choices.size() < n) {
    const auto choice = chooser.choose(row, allowed);
    if (!choice) break;
    choices.push_back(*choice);
    allowed[choice->byte] = false;
  }
  return choices;
}

}  // namespace

Completer::Completer(std::unique_ptr<ModelRunner> runner, StepCosts costs, std::unique_ptr<Drafter> drafter,
                     std::shared_ptr<const Mixer> mixer)
    : runner_(std::move(runner)),
      prefill_chunk_(costs.chunk_within(kMaxChunkMs, runner_->max_batch())),
      drafter_(std::move(drafter)),
      mixer_(std::move(mixer)) {
  if (!drafter_) drafter_ = std::make_unique<HeadDrafter>(*runner_, std::move(costs));
}

Completer::Entry& Completer::entry_for(const std::string& uri) {
  const auto found = std::find_if(sessions_.begin(), sessions_.end(), [&](const Entry& e) { return e.uri == uri; });
  if (found != sessions_.end()) {
    sessions_.splice(sessions_.begin(), sessions_, found);
  } else {
    if (sessions_.size() == kMaxSessions) sessions_.pop_back();
    sessions_.emplace_front(uri, Session(*runner_, prefill_chunk_));
  }
  return sessions_.front();
}

/// The tree of the document as it is; nullptr where there is no grammar or it takes too long.
const SyntaxTree* Completer::Entry::tree_of(const DocumentSnapshot& document, const Interrupt& interrupt) {
  const Language* language = document.text->size() <= kMaxParsedBytes ? find_language(document.language, document.path) : nullptr;
  if (language == nullptr) {
    tree.reset();
    return nullptr;
  }
  if (!tree || &tree->language() != language) {
    tree.emplace(*language);
    n_late_parses = 0;
  }
  if (n_late_parses == kMaxLateParses) return nullptr;
  const auto deadline = std::chrono::steady_clock::now() + kParsePatience;
  const auto gives_up = [&] { return interrupt.check().has_value() || std::chrono::steady_clock::now() >= deadline; };
  if (tree->update(document.text, gives_up)) return &*tree;
  if (!interrupt.check()) ++n_late_parses;
  return nullptr;
}

CompletionResult Completer::complete(const CompletionRequest& request, const std::stop_token& superseded, const OnText& on_text) {
  const std::string_view text = request.document.view();
  OCTET_CHECK(request.cursor <= text.size() && request.limits.max_bytes >= 1);
  const Stopwatch total;
  const Shift shift(*runner_);
  CompletionResult result;
  StopDelay delay(request.cancelled, superseded);
  Interrupt interrupt{request.cancelled, superseded, std::nullopt, &delay};
  const auto finish = [&](StopReason reason) {
    result.stop_reason = reason;
    result.counts.steps_after_stop = delay.steps_after_stop();
    result.times.total = total.elapsed_ms();
    result.trouble = runner_->trouble();
    return result;
  };

  // The completion gets the room that it asks for, within half of the context.
  const auto max_context = static_cast<std::size_t>(runner_->config().max_context);
  const std::size_t reserved = std::min(request.limits.max_bytes, max_context / 2);
  const auto prompt = build_prompt(request.document, request.cursor, max_context - reserved);
  result.counts.prompt_bytes = prompt.size();
  result.times.context = total.elapsed_ms();

  Entry& entry = entry_for(request.document.uri);
  const Stopwatch parsing;
  const SyntaxTree* tree = request.raw || !request.use_syntax ? nullptr : entry.tree_of(request.document, interrupt);
  result.times.syntax = parsing.elapsed_ms();

  const Stopwatch prefill;
  Session& session = entry.session;
  const auto prefilled = session.prefill(prompt, interrupt);
  result.counts.reused_bytes = prefilled.n_reused;
  result.counts.prefilled_bytes = prefilled.n_computed;
  result.times.prefill = prefill.elapsed_ms();
  if (prefilled.interrupted) return finish(*prefilled.interrupted);

  const Stopwatch remembering;
  std::unique_ptr<ByteChooser> chooser = std::make_unique<NetChooser>();
  if (mixer_ && request.workspace) {
    MemoryState state = entry.memory.at(text, request.cursor, request.workspace_path, request.workspace);
    chooser = std::make_unique<MemoryChooser>(*mixer_, entry.memory.workspace(), std::move(state));
  }
  result.times.context += remembering.elapsed_ms();

  const Stopwatch decoding;
  if (request.limits.max_decode_ms > 0) {
    interrupt.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(request.limits.max_decode_ms);
  }
  const bool crlf = uses_crlf(text, request.cursor);
  NoDrafter no_drafter;
  Drafter& drafter = request.use_draft ? *drafter_ : no_drafter;
  auto first_bytes = ranked(session.last_logits(), std::max<std::size_t>(request.alternatives, 1), *chooser);
  if (first_bytes.empty()) return finish(StopReason::kModelFailure);

  // Further completions branch off at the first byte and decode in the same steps. Their first byte is what was asked for, not a guess.
  for (std::size_t i = 1; i < first_bytes.size(); ++i) first_bytes[i].probability = 1;
  std::vector<std::unique_ptr<KvCache>> branches;
  std::vector<std::unique_ptr<ByteChooser>> choosers;
  for (std::size_t i = 1; i < first_bytes.size(); ++i) choosers.push_back(chooser->look_ahead());
  choosers.insert(choosers.begin(), std::move(chooser));
  for (std::size_t i = 1; i < first_bytes.size(); ++i) {
    branches.push_back(runner_->new_cache());
    runner_->copy_cache(session.cache(), *branches.back());
  }
  const OnText show = [&](std::string_view piece) {
    if (result.times.first_byte == 0) result.times.first_byte = total.elapsed_ms();
    if (on_text) on_text(piece);
  };
  const OnText hide = [](std::string_view) {};
  std::vector<TextRules> rules;
  for (std::size_t i = 0; i < first_bytes.size(); ++i) rules.push_back(make_text_rules(request, tree));
  std::vector<DecodeTask> tasks;
  for (std::size_t i = 0; i < first_bytes.size(); ++i) {
    tasks.push_back({i == 0 ? session.cache() : *branches[i - 1], prefilled.last_row, first_bytes[i], *choosers[i], drafter, rules[i],
                     request.limits.max_bytes, crlf, interrupt, i == 0 ? show : hide});
  }
  std::vector<DecodeOutcome> outcomes = decode_batch(*runner_, tasks);
  DecodeOutcome& outcome = outcomes[0];
  result.text = std::move(outcome.text);
  result.confidence = outcome.confidence;
  result.sources = std::move(outcome.sources);
  result.probabilities = std::move(outcome.probabilities);
  result.counts.steps = outcome.steps;
  result.counts.drafted = outcome.drafted;
  result.counts.accepted = outcome.accepted;
  for (std::size_t i = 1; i < outcomes.size(); ++i) {
    std::string& other = outcomes[i].text;
    const auto& known = result.alternatives;
    if (!other.empty() && other != result.text && std::find(known.begin(), known.end(), other) == known.end()) {
      result.alternatives.push_back(std::move(other));
    }
  }
  result.times.decode = decoding.elapsed_ms();
  return finish(outcome.stop_reason);
}

}  // namespace octet::engine

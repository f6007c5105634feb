// textDocument/inlineCompletion from the request to its answer: the newest request wins, what was suggested before needs no model, and
// whoever waits is answered once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/completion.h"
#include "lsp/document_policy.h"
#include "lsp/event_loop.h"
#include "lsp/inline_completion.h"
#include "lsp/json_rpc.h"
#include "lsp/model_host.h"
#include "lsp/protocol.h"
#include "lsp/reply.h"
#include "lsp/settings.h"
#include "lsp/statistics.h"
#include "lsp/suggestions.h"
#include "lsp/workspace_memory.h"

namespace octet::lsp {

/// Main thread. At most one completion is computed at a time, and at most one request waits for it; one more may wait for its debounce.
class Completions {
 public:
  /// All of them outlive this.
  struct Parts {
    EventLoop loop;
    std::function<void(std::string)> send;
    ModelHost& model;
    DocumentPolicy& policy;
    WorkspaceMemory& memory;
    Statistics& statistics;
    std::function<void()> on_change;  // of is_busy() or last_silence()
  };
  explicit Completions(Parts parts) : parts_(std::move(parts)) {}

  /// `wants_partials`: the client takes octet/inlineCompletionPartial, and waits until a text is whole.
  void set_client(PositionEncoding encoding, bool wants_partials);
  void configure(const Settings& settings);

  void request(const Json& id, Reply reply, const InlineCompletionParams& params, const engine::DocumentSnapshot& document);
  /// Whether a request of that id is still being answered.
  bool is_waiting(const Json& id) const;
  /// Answers the request and stops what is computed for it. One that was answered already is none.
  void cancel(const Json& id);
  /// The document differs from what it was: what is computed ahead for another text stops.
  void document_changed(const engine::DocumentSnapshot& document);
  /// Forgets what was suggested; a text that is computed goes to nobody.
  void forget();
  /// Answers whoever waits, and stops.
  void shut_down();

  bool is_busy() const { return live_.has_value(); }
  /// Why the last answer had no text; nothing where it had one.
  const std::optional<Silence>& last_silence() const { return last_silence_; }
  /// Where the bytes of the last completion came from: see to_explanation(). An empty object before the first one.
  const Json& last_explanation() const { return last_explanation_; }
  /// What the last completion took that nobody stopped: see to_work(). Null before the first one.
  const Json& last_work() const { return last_work_; }

 private:
  /// A request without an answer.
  struct Waiting {
    Json id;
    Reply reply;
    engine::DocumentSnapshot document;  // with the selected completion in it, if there is one
    std::size_t cursor = 0;
    ItemFrame frame;
    bool is_invoked = false;
    EventLoop::TimePoint asked;
    std::uint64_t serial = 0;  // names it for timers
    int n_partials = 0;
  };
  /// What the engine computes now.
  struct Live {
    Suggestion suggestion;  // its first text grows
    std::stop_source cancel;
    std::optional<Waiting> waiting;
    bool is_overdue = false;  // who waits takes the next text that comes
  };

  void begin(Waiting waiting);
  void compute(Waiting waiting);
  void stop_live(Silence reason);
  void on_text(std::uint64_t number, const std::string& piece);
  void on_done(std::uint64_t number, const engine::CompletionRequest& request, const engine::CompletionResult& result);
  void on_deadline(std::uint64_t serial);
  void start_deadline(std::chrono::milliseconds limit);
  void answer_with_what_is_there();
  void send_partial(Waiting& waiting, const std::vector<std::string>& left, bool is_done);
  void answer(Waiting& waiting, std::uint64_t number, const std::vector<std::string>& texts, bool from_memory);
  void answer(Waiting& waiting, Silence reason);
  void withdraw(Waiting& waiting);
  void note(const Waiting& waiting, Silence reason);

  Parts parts_;
  PositionEncoding encoding_ = PositionEncoding::kUtf16;
  bool wants_partials_ = false;
  Settings settings_;
  std::optional<Waiting> debounced_;
  std::optional<Live> live_;
  SuggestionMemory suggestions_;
  std::optional<Silence> last_silence_;
  Json last_explanation_ = Json::object();
  Json last_work_;
  std::uint64_t n_waiting_ = 0;
  std::uint64_t n_suggestions_ = 0;
};

}  // namespace octet::lsp

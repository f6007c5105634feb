// One request from prompt to text, in the calling thread. Engine runs it on its own thread; tools call it directly.
#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "engine/completion.h"
#include "engine/decode/drafter.h"
#include "engine/decode/interrupt.h"
#include "engine/decode/session.h"
#include "engine/decode/step_costs.h"
#include "engine/memory/document_memory.h"
#include "engine/memory/mixer.h"
#include "engine/model/model_runner.h"
#include "engine/syntax/syntax_tree.h"

namespace octet::engine {

/// Owns the model runner and one session a document. One thread at a time.
class Completer {
 public:
  /// `costs`: what steps of this runner take, for the length of drafts. `drafter`: in place of the model's own draft heads (tests:
  /// drafters that are always wrong). `mixer`: without one the memory is not used.
  explicit Completer(std::unique_ptr<ModelRunner> runner, StepCosts costs = {}, std::unique_ptr<Drafter> drafter = nullptr,
                     std::shared_ptr<const Mixer> mixer = nullptr);

  using OnText = std::function<void(std::string_view)>;

  /// Completes `request`; `on_text` receives the text of CompletionResult::text as it becomes certain. Stops early when
  /// request.cancelled or `superseded` is set. CHECKs that the cursor lies in the document and that max_bytes >= 1.
  CompletionResult complete(const CompletionRequest& request, const std::stop_token& superseded, const OnText& on_text);

  const ModelRunner& runner() const { return *runner_; }
  /// For tools that also read texts of their own. Sessions keep their caches.
  ModelRunner& mutable_runner() { return *runner_; }

 private:
  struct Entry;
  Entry& entry_for(const std::string& uri);

  std::unique_ptr<ModelRunner> runner_;
  std::size_t prefill_chunk_;
  std::unique_ptr<Drafter> drafter_;
  std::shared_ptr<const Mixer> mixer_;
  struct Entry {
    Entry(std::string document_uri, Session new_session) : uri(std::move(document_uri)), session(std::move(new_session)) {}

    std::string uri;
    Session session;
    DocumentMemory memory;
    std::optional<SyntaxTree> tree;
    int n_late_parses = 0;

    const SyntaxTree* tree_of(const DocumentSnapshot& document, const Interrupt& interrupt);
  };
  std::list<Entry> sessions_;  // most recently used first
};

}  // namespace octet::engine

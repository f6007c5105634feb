// What an editor with octet's server shows while a passage is typed: what was suggested before and typed on needs no model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "engine/completer.h"
#include "lsp/suggestions.h"

namespace octet::benchmarks {

/// One passage. Answers as lsp/completions does to a person who waits for each answer.
class SuggestingEditor {
 public:
  /// `request`: the document without the passage, the cursor where it begins, and how completions are wanted.
  SuggestingEditor(engine::Completer& completer, engine::CompletionRequest request)
      : completer_(completer), request_(std::move(request)), begin_(request_.cursor), empty_(request_.document.text) {}

  /// The suggestion where the passage has come to `written`; empty: none.
  std::string suggestion(std::string_view written);

  std::size_t n_computed() const { return n_computed_; }
  std::size_t n_from_memory() const { return n_from_memory_; }

 private:
  engine::Completer& completer_;
  engine::CompletionRequest request_;
  std::size_t begin_;
  std::shared_ptr<const std::string> empty_;  // the document without the passage
  lsp::SuggestionMemory memory_;
  std::uint64_t n_computed_ = 0;
  std::size_t n_from_memory_ = 0;
};

}  // namespace octet::benchmarks

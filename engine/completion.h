// What a caller asks of the engine and what it gets back. Values; safe on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/context/document.h"
#include "engine/decode/sampler.h"
#include "engine/memory/workspace_corpus.h"
#include "engine/stage_times.h"

namespace octet::engine {

/// How far a completion may reach.
enum class Multiline {
  kAuto,    // a block where the cursor's line is blank or opens one, else the rest of the line
  kAlways,  // a block
  kNever,   // the rest of the line
};

/// Why a completion ended. The first ones are the usual ends; the last ones mean that its text is not to be shown.
enum class StopReason {
  kEnd,               // the model said that the completion is over
  kLineEnd,           // the line is complete
  kBlankLine,         // the block ended with a blank line
  kDedent,            // the next line belongs to an outer block
  kBlockEnd,          // the closing bracket of the block was written
  kSuffixMet,         // what stands behind the cursor would have been written again
  kUnsafeText,        // a character would follow that cannot be seen, or that changes how others are read
  kLowConfidence,     // limits.min_confidence
  kSyntax,            // what was written on broke the document's grammar or its indentation
  kByteBudget,        // limits.max_bytes
  kTimeBudget,        // limits.max_decode_ms
  kContextFull,       // prompt and completion fill the model's context
  kCancelled,         // the client withdrew the request
  kSuperseded,        // a newer request arrived
  kModelUnavailable,  // the model could not be loaded
  kModelFailure,      // the model computed no number to choose by
};

/// The name in JSON output: "end", "line_end", ...
std::string_view to_string(StopReason reason);
/// "net", "memory", "both"
std::string_view to_string(ByteSource source);

/// For editors: where showing more would cost more than it brings, if two wrong bytes cost what a right one is worth. At 2,400 cursors in
/// 21 packages that nothing was trained on 78 % of the bytes shown are right then, against 26 % without a minimum; 86 % of the
/// cursors still have text, before the grammar shortens it (benchmarks/README.md).
inline constexpr double kEditorMinConfidence = 0.3;

struct CompletionLimits {
  std::size_t max_bytes = 256;
  int max_decode_ms = 0;      // from the first decoded byte on; 0 = no limit
  double min_confidence = 0;  // the completion ends before the word that lets its confidence fall under this, 0 to 1; 0 = never
};

struct CompletionRequest {
  DocumentSnapshot document;
  std::size_t cursor = 0;  // byte offset into the document, on a character's boundary, at most its size
  CompletionLimits limits;
  Multiline multiline = Multiline::kAuto;
  bool raw = false;                                    // no stop rules but the model's end and the limits
  bool use_draft = true;                               // false: plain greedy decoding, the same bytes more slowly
  bool use_syntax = true;                              // false: lines and indentation alone say where it ends
  std::size_t alternatives = 1;                        // how many different completions are wanted
  std::shared_ptr<const WorkspaceSnapshot> workspace;  // what the memory knows; nullptr: the net alone decides
  std::string workspace_path;                          // the document's, relative to the workspace
  std::stop_token cancelled;                           // looked at before every step and prefill chunk
};

struct CompletionCounts {
  std::size_t prompt_bytes = 0;
  std::size_t reused_bytes = 0;      // prompt bytes that the session's cache already held
  std::size_t prefilled_bytes = 0;   // prompt bytes that were computed
  std::size_t steps = 0;             // verify steps
  std::size_t drafted = 0;           // bytes proposed to them
  std::size_t accepted = 0;          // proposals that the primary head agreed with
  std::size_t steps_after_stop = 0;  // verify steps and prefill chunks that ended after a stop was asked for: at most the one under way
};

/// Bytes of a completion, one after another, that come from the same source.
struct SourceRun {
  std::size_t n_bytes = 0;
  ByteSource source = ByteSource::kNet;
  std::string origin;  // the file of the workspace whose text goes on so; empty where there is none, or it is the document itself
};

struct CompletionResult {
  std::string text;  // whole UTF-8 characters
  StopReason stop_reason = StopReason::kEnd;
  double confidence = 0;  // how likely it is that all of `text` is as the user would have it; 0 where there is none
  CompletionCounts counts;
  std::vector<SourceRun> sources;    // of the bytes of `text`
  std::vector<float> probabilities;  // of each byte of `text`; a carriage return that was put before a line feed has the line feed's
  StageTimes times;
  std::vector<std::string> alternatives;  // further completions, different from `text` and each other, best first
  std::string trouble;                    // ModelRunner::trouble()
};

/// Receives a completion as it grows. Both calls come on the engine thread and must not block.
class CompletionSink {
 public:
  virtual ~CompletionSink() = default;
  /// More of the text, whole characters; the concatenation of all calls is CompletionResult::text.
  virtual void on_text(std::string_view text) = 0;
  /// The end; exactly once, nothing follows.
  virtual void on_done(CompletionResult result) = 0;
};

}  // namespace octet::engine

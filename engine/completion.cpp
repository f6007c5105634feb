#include "engine/completion.h"

namespace octet::engine {

std::string_view to_string(StopReason reason) {
  switch (reason) {
    case StopReason::kEnd: return "end";
    case StopReason::kLineEnd: return "line_end";
    case StopReason::kBlankLine: return "blank_line";
    case StopReason::kDedent: return "dedent";
    case StopReason::kBlockEnd: return "block_end";
    case StopReason::kSuffixMet: return "suffix_met";
    case StopReason::kUnsafeText: return "unsafe_text";
    case StopReason::kLowConfidence: return "low_confidence";
    case StopReason::kSyntax: return "syntax";
    case StopReason::kByteBudget: return "byte_budget";
    case StopReason::kTimeBudget: return "time_budget";
    case StopReason::kContextFull: return "context_full";
    case StopReason::kCancelled: return "cancelled";
    case StopReason::kSuperseded: return "superseded";
    case StopReason::kModelUnavailable: return "model_unavailable";
    case StopReason::kModelFailure: return "model_failure";
  }
  return "unknown";
}

std::string_view to_string(ByteSource source) {
  switch (source) {
    case ByteSource::kNet: return "net";
    case ByteSource::kMemory: return "memory";
    case ByteSource::kBoth: return "both";
  }
  return "net";
}

}  // namespace octet::engine

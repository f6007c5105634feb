#include "engine/decode/text_rules.h"

#include "engine/decode/confidence_rule.h"
#include "engine/decode/indentation_rule.h"
#include "engine/decode/output_guard.h"
#include "engine/decode/stop_rules.h"
#include "engine/decode/suffix_rules.h"
#include "engine/decode/syntax_rule.h"

namespace octet::engine {

TextRules make_text_rules(const CompletionRequest& request, const SyntaxTree* tree) {
  const std::string_view text = request.document.view();
  TextRules rules;
  if (!request.raw) {
    // In a comment or a string a colon at the line's end opens no block.
    const bool is_code = tree == nullptr || tree->kind_at(request.cursor) == TextKind::kCode;
    const Multiline multiline = request.multiline == Multiline::kAuto && !is_code ? Multiline::kNever : request.multiline;
    rules.push_back(std::make_unique<StopRules>(text, request.cursor, multiline));
    rules.push_back(std::make_unique<IndentationRule>(text, request.cursor));
    // The rest of a line is compared as a whole, before its closers end the text by themselves.
    rules.push_back(std::make_unique<RepeatedRest>(text, request.cursor));
    rules.push_back(std::make_unique<RepeatedCloser>(text, request.cursor));
    rules.push_back(std::make_unique<RepeatedLine>(text, request.cursor));
  }
  if (request.limits.min_confidence > 0) rules.push_back(std::make_unique<ConfidenceRule>(request.limits.min_confidence));
  if (!request.raw && tree != nullptr) rules.push_back(std::make_unique<SyntaxRule>(*tree, request.cursor));
  rules.push_back(std::make_unique<OutputGuard>());
  return rules;
}

}  // namespace octet::engine

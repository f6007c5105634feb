#include "engine/decode/text_rules.h"

#include "engine/decode/output_guard.h"
#include "engine/decode/stop_rules.h"

namespace octet::engine {

TextRules make_text_rules(const CompletionRequest& request) {
  const std::string_view text = request.document.view();
  TextRules rules;
  if (!request.raw) rules.push_back(std::make_unique<StopRules>(text, request.cursor, request.multiline));
  rules.push_back(std::make_unique<OutputGuard>());
  return rules;
}

}  // namespace octet::engine

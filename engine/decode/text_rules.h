// The rules that a request's text has to pass.
#pragma once

#include <memory>
#include <vector>

#include "engine/completion.h"
#include "engine/decode/text_rule.h"

namespace octet::engine {

using TextRules = std::vector<std::unique_ptr<TextRule>>;

/// In the order in which they read. The last is the guard: nothing leaves but through it.
TextRules make_text_rules(const CompletionRequest& request);

}  // namespace octet::engine

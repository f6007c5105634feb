// The rules that a request's text has to pass.
#pragma once

#include <memory>
#include <vector>

#include "engine/completion.h"
#include "engine/decode/text_rule.h"
#include "engine/syntax/syntax_tree.h"

namespace octet::engine {

using TextRules = std::vector<std::unique_ptr<TextRule>>;

/// In the order in which they read. The last is the guard: nothing leaves but through it.
/// `tree`: of the document; nullptr: none.
TextRules make_text_rules(const CompletionRequest& request, const SyntaxTree* tree = nullptr);

}  // namespace octet::engine

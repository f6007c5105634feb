// textDocument/inlineCompletion between the protocol and the engine: positions to offsets, texts to items.
#pragma once

#include <string_view>
#include <vector>

#include "engine/completion.h"
#include "lsp/json_rpc.h"
#include "lsp/position.h"
#include "lsp/protocol.h"

namespace octet::lsp {

/// How long a client that cannot stream waits for decoding.
inline constexpr int kDecodeBudgetMs = 150;

/// What the engine is asked for a cursor in `document`.
engine::CompletionRequest make_request(const engine::DocumentSnapshot& document, Position position, PositionEncoding encoding);

/// The items for a result of `request`: none where there is no text to show. An item's range goes from the start of the
/// word before the cursor to the cursor, and its text begins with that word, as editors that filter by it expect.
std::vector<InlineCompletionItem> make_items(const engine::CompletionRequest& request, const engine::CompletionResult& result,
                                             PositionEncoding encoding);

/// The answer of octet/explain: {uri, text, confidence, sources: [{text, source: net|memory|both, file}]}, the texts of the sources one
/// after another being the completion's. `file` is relative to the workspace, and null for the document itself or the net alone.
Json to_explanation(const engine::CompletionRequest& request, const engine::CompletionResult& result);

}  // namespace octet::lsp

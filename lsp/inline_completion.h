// textDocument/inlineCompletion between the protocol and the engine: positions to places, texts to items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/completion.h"
#include "lsp/json_rpc.h"
#include "lsp/position.h"
#include "lsp/protocol.h"

namespace octet::lsp {

/// What an item replaces, and what its text begins with.
struct ItemFrame {
  std::string typed;
  Range range;
};

/// Where a completion is asked for.
struct CompletionPlace {
  engine::DocumentSnapshot document;  // with the selected completion put in, where there is one
  std::size_t cursor = 0;
  ItemFrame frame;
};

/// The frame goes from the start of the word before the cursor to the cursor, and texts begin with that word, as editors that filter by it
/// expect. With a selected completion it is that one's range and text, which items must extend.
CompletionPlace make_place(const engine::DocumentSnapshot& document, const InlineCompletionParams& params, PositionEncoding encoding);

/// Whether a text may stand before what is right of the cursor in its line: blanks, closing brackets and separators, as editors put them.
bool has_room(std::string_view text, std::size_t cursor);

/// An InlineCompletionList. Each item's command, to be run when it is accepted, names the suggestion by its token.
Json make_items(const ItemFrame& frame, const std::vector<std::string>& texts, std::string_view token);

/// The token of a suggestion.
std::string token_of(std::uint64_t number);

inline constexpr const char* kAcceptCommand = "octet.acceptCompletion";

/// The answer of octet/explain: {uri, text, confidence, sources: [{text, source: net|memory|both, file}]}, the texts of the sources one
/// after another being the completion's. `file` is relative to the workspace, and null for the document itself or the net alone.
Json to_explanation(const engine::CompletionRequest& request, const engine::CompletionResult& result);
/// What it took to compute a completion: {stopReason, bytes, promptBytes, reusedBytes, steps, drafted, accepted, ms: {context, syntax, prefill,
/// decode, firstByte, total}}.
Json to_work(const engine::CompletionResult& result);

}  // namespace octet::lsp

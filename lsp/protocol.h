// The parts of LSP 3.18 that this server speaks, as values. Reading checks every field that is used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "lsp/document_store.h"
#include "lsp/json_rpc.h"
#include "lsp/position.h"

namespace octet::lsp {

struct DidOpenParams {
  std::string uri;
  std::string language;
  std::int64_t version = 0;
  std::string text;
};

struct DidChangeParams {
  std::string uri;
  std::int64_t version = 0;
  std::vector<ContentChange> changes;
};

/// What the editor's list of suggestions would insert now.
struct SelectedCompletion {
  Range range;
  std::string text;
};

struct InlineCompletionParams {
  std::string uri;
  Position position;
  bool is_invoked = false;  // the person asked; else the editor did by itself
  std::optional<SelectedCompletion> selected;
};

struct FolderChange {
  std::vector<std::filesystem::path> added;
  std::vector<std::filesystem::path> removed;
};

struct ExecuteCommandParams {
  std::string command;
  Json arguments;  // an array, maybe empty
};

/// The client tells what became of an item that the server sent.
struct ItemFeedback {
  std::string token;                // of the item: the first argument of its command
  std::size_t accepted_length = 0;  // didPartiallyAcceptCompletion: in code units of the encoding of positions
};

/// Each fails with kInvalidArgument and a message that names the field.
Result<DidOpenParams> parse_did_open(const Json& params);
Result<DidChangeParams> parse_did_change(const Json& params);
Result<std::string> parse_did_close(const Json& params);  // the URI
Result<InlineCompletionParams> parse_inline_completion(const Json& params);
Result<Json> parse_cancel(const Json& params);                             // the id
Result<std::vector<std::string>> parse_watched_files(const Json& params);  // the URIs
Result<FolderChange> parse_folder_change(const Json& params);
Result<ExecuteCommandParams> parse_execute_command(const Json& params);
Result<ItemFeedback> parse_item_feedback(const Json& params);

Json to_json(const Range& range);

}  // namespace octet::lsp

// The parts of LSP 3.18 that this server speaks, as values. Reading checks every field that is used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "lsp/document_store.h"
#include "lsp/json_rpc.h"
#include "lsp/position.h"

namespace octet::lsp {

struct InitializeParams {
  PositionEncoding encoding = PositionEncoding::kUtf16;  // the best one that the client offers
};

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

struct InlineCompletionParams {
  std::string uri;
  Position position;
};

struct InlineCompletionItem {
  std::string insert_text;
  Range range;
};

/// Each fails with kInvalidArgument and a message that names the field.
Result<InitializeParams> parse_initialize(const Json& params);
Result<DidOpenParams> parse_did_open(const Json& params);
Result<DidChangeParams> parse_did_change(const Json& params);
Result<std::string> parse_did_close(const Json& params);  // the URI
Result<InlineCompletionParams> parse_inline_completion(const Json& params);
Result<Json> parse_cancel(const Json& params);                             // the id
Result<std::vector<std::string>> parse_watched_files(const Json& params);  // the URIs
Result<std::string> parse_execute_command(const Json& params);             // the command

std::string_view to_string(PositionEncoding encoding);
Json to_json(const std::vector<InlineCompletionItem>& items);  // an InlineCompletionList

}  // namespace octet::lsp

#include "lsp/inline_completion.h"

#include <string>

namespace octet::lsp {
namespace {

/// Bytes above ASCII count as letters: identifiers may have them.
bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::size_t word_start(std::string_view text, std::size_t cursor) {
  while (cursor > 0 && is_word_byte(text[cursor - 1])) --cursor;
  return cursor;
}

bool is_shown(engine::StopReason reason) {
  return reason != engine::StopReason::kCancelled && reason != engine::StopReason::kSuperseded &&
         reason != engine::StopReason::kModelUnavailable && reason != engine::StopReason::kModelFailure;
}

}  // namespace

engine::CompletionRequest make_request(const engine::DocumentSnapshot& document, Position position, PositionEncoding encoding) {
  engine::CompletionRequest request;
  request.document = document;
  request.cursor = to_offset(document.view(), position, encoding);
  request.limits.max_decode_ms = kDecodeBudgetMs;
  return request;
}

std::vector<InlineCompletionItem> make_items(const engine::CompletionRequest& request, const engine::CompletionResult& result,
                                             PositionEncoding encoding) {
  if (result.text.empty() || !is_shown(result.stop_reason)) return {};
  const std::string_view text = request.document.view();
  const std::size_t start = word_start(text, request.cursor);
  const Range range{to_position(text, start, encoding), to_position(text, request.cursor, encoding)};
  return {{std::string(text.substr(start, request.cursor - start)) + result.text, range}};
}

Json to_explanation(const engine::CompletionRequest& request, const engine::CompletionResult& result) {
  Json sources = Json::array();
  std::size_t begin = 0;
  for (const engine::SourceRun& run : result.sources) {
    sources.push_back({{"text", result.text.substr(begin, run.n_bytes)},
                       {"source", engine::to_string(run.source)},
                       {"file", run.origin.empty() ? Json(nullptr) : Json(run.origin)}});
    begin += run.n_bytes;
  }
  return {{"uri", request.document.uri}, {"text", result.text}, {"confidence", result.confidence}, {"sources", std::move(sources)}};
}

}  // namespace octet::lsp

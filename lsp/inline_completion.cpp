#include "lsp/inline_completion.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

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

}  // namespace

CompletionPlace make_place(const engine::DocumentSnapshot& document, const InlineCompletionParams& params, PositionEncoding encoding) {
  CompletionPlace place{document, 0, {}};
  const std::string_view text = document.view();
  if (params.selected) {
    const auto& [range, selected] = *params.selected;
    const std::size_t a = to_offset(text, range.start, encoding);
    const std::size_t b = to_offset(text, range.end, encoding);
    const std::size_t start = std::min(a, b);
    std::string with_selected(text.substr(0, start));
    with_selected += selected;
    place.cursor = with_selected.size();
    with_selected += text.substr(std::max(a, b));
    place.document.text = std::make_shared<const std::string>(std::move(with_selected));
    place.frame = {selected, range};
    return place;
  }
  place.cursor = to_offset(text, params.position, encoding);
  const std::size_t start = word_start(text, place.cursor);
  place.frame = {std::string(text.substr(start, place.cursor - start)),
                 {to_position(text, start, encoding), to_position(text, place.cursor, encoding)}};
  return place;
}

bool has_room(std::string_view text, std::size_t cursor) {
  return engine::line_behind(text, cursor).find_first_not_of(" \t)]};,:>\"'`") == std::string_view::npos;
}

Json make_items(const ItemFrame& frame, const std::vector<std::string>& texts, std::string_view token) {
  Json items = Json::array();
  for (const std::string& text : texts) {
    items.push_back({{"insertText", frame.typed + text},
                     {"range", to_json(frame.range)},
                     {"command", {{"title", "Accept completion"}, {"command", kAcceptCommand}, {"arguments", Json::array({token})}}}});
  }
  return {{"items", std::move(items)}};
}

std::string token_of(std::uint64_t number) { return std::to_string(number); }

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

Json to_work(const engine::CompletionResult& result) {
  const engine::CompletionCounts& counts = result.counts;
  const engine::StageTimes& times = result.times;
  return {{"stopReason", engine::to_string(result.stop_reason)},
          {"bytes", result.text.size()},
          {"promptBytes", counts.prompt_bytes},
          {"reusedBytes", counts.reused_bytes},
          {"steps", counts.steps},
          {"drafted", counts.drafted},
          {"accepted", counts.accepted},
          {"ms",
           {{"context", times.context},
            {"syntax", times.syntax},
            {"prefill", times.prefill},
            {"decode", times.decode},
            {"firstByte", times.first_byte},
            {"total", times.total}}}};
}

}  // namespace octet::lsp

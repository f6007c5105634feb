#include "lsp/protocol.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

/// Walks into params by field names and keeps the first thing that is wrong.
class Reader {
 public:
  explicit Reader(const Json& params) : at_(&params) {}

  Reader field(const char* name) {
    Reader inner(*this);
    inner.path_ += fmt::format("{}{}", path_.empty() ? "" : ".", name);
    const bool present = at_ != nullptr && at_->is_object() && at_->contains(name);
    inner.at_ = present ? &(*at_)[name] : nullptr;
    return inner;
  }

  bool present() const { return at_ != nullptr && !at_->is_null(); }
  const Json& json() const { return *at_; }

  Result<std::string> text() const {
    if (at_ == nullptr || !at_->is_string()) return expected("a string");
    return at_->get<std::string>();
  }

  Result<std::int64_t> integer() const {
    if (at_ == nullptr || !at_->is_number_integer()) return expected("an integer");
    return at_->get<std::int64_t>();
  }

  Result<Position> position() {
    const auto line = field("line").coordinate();
    if (!line) return tl::unexpected(line.error());
    const auto character = field("character").coordinate();
    if (!character) return tl::unexpected(character.error());
    return Position{*line, *character};
  }

  Result<Range> range() {
    const auto start = field("start").position();
    if (!start) return tl::unexpected(start.error());
    const auto end = field("end").position();
    if (!end) return tl::unexpected(end.error());
    return Range{*start, *end};
  }

  tl::unexpected<Error> expected(std::string_view what) const {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("params.{}: expected {}, found {}", path_, what, at_ == nullptr ? "nothing" : at_->type_name()));
  }

 private:
  /// LSP's uinteger: 0 to 2^31 - 1.
  Result<std::uint32_t> coordinate() const {
    const auto value = integer();
    if (!value || *value < 0 || *value > INT32_MAX) return expected("an integer from 0 to 2^31 - 1");
    return static_cast<std::uint32_t>(*value);
  }

  const Json* at_;
  std::string path_;
};

Result<ContentChange> parse_content_change(const Json& json) {
  Reader change(json);
  ContentChange out;
  const auto text = change.field("text").text();
  if (!text) return tl::unexpected(text.error());
  out.text = *text;
  if (Reader range = change.field("range"); range.present()) {
    const auto parsed = range.range();
    if (!parsed) return tl::unexpected(parsed.error());
    out.range = *parsed;
  }
  return out;
}

Json to_json(Position position) { return {{"line", position.line}, {"character", position.character}}; }

}  // namespace

std::string_view to_string(PositionEncoding encoding) {
  switch (encoding) {
    case PositionEncoding::kUtf8: return "utf-8";
    case PositionEncoding::kUtf16: return "utf-16";
    case PositionEncoding::kUtf32: return "utf-32";
  }
  return "utf-16";
}

Result<InitializeParams> parse_initialize(const Json& json) {
  Reader params(json);
  if (!json.is_object()) return params.expected("an object");
  InitializeParams out;
  Reader offered = params.field("capabilities").field("general").field("positionEncodings");
  if (!offered.present()) return out;
  if (!offered.json().is_array()) return offered.expected("an array");
  // UTF-8 first: its positions need no counting.
  for (const auto encoding : {PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32}) {
    const auto& list = offered.json();
    if (std::find(list.begin(), list.end(), to_string(encoding)) == list.end()) continue;
    out.encoding = encoding;
    break;
  }
  return out;
}

Result<DidOpenParams> parse_did_open(const Json& json) {
  Reader document = Reader(json).field("textDocument");
  const auto uri = document.field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  const auto text = document.field("text").text();
  if (!text) return tl::unexpected(text.error());
  const auto version = document.field("version").integer();
  return DidOpenParams{*uri, document.field("languageId").text().value_or(""), version.value_or(0), *text};
}

Result<DidChangeParams> parse_did_change(const Json& json) {
  Reader params(json);
  Reader document = params.field("textDocument");
  DidChangeParams out;
  const auto uri = document.field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  out.uri = *uri;
  out.version = document.field("version").integer().value_or(0);
  const Reader changes = params.field("contentChanges");
  if (!changes.present() || !changes.json().is_array()) return changes.expected("an array");
  for (const Json& entry : changes.json()) {
    auto change = parse_content_change(entry);
    if (!change) return tl::unexpected(change.error());
    out.changes.push_back(std::move(*change));
  }
  return out;
}

Result<std::string> parse_did_close(const Json& json) { return Reader(json).field("textDocument").field("uri").text(); }

Result<InlineCompletionParams> parse_inline_completion(const Json& json) {
  Reader params(json);
  const auto uri = params.field("textDocument").field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  const auto position = params.field("position").position();
  if (!position) return tl::unexpected(position.error());
  return InlineCompletionParams{*uri, *position};
}

Result<Json> parse_cancel(const Json& json) {
  const Reader id = Reader(json).field("id");
  if (!id.present() || !(id.json().is_string() || id.json().is_number_integer())) return id.expected("an integer or a string");
  return id.json();
}

Result<std::vector<std::string>> parse_watched_files(const Json& json) {
  const Reader changes = Reader(json).field("changes");
  if (!changes.present() || !changes.json().is_array()) return changes.expected("an array");
  std::vector<std::string> uris;
  for (const Json& change : changes.json()) {
    const auto uri = Reader(change).field("uri").text();
    if (!uri) return tl::unexpected(uri.error());
    uris.push_back(*uri);
  }
  return uris;
}

Result<std::string> parse_execute_command(const Json& json) { return Reader(json).field("command").text(); }

Json to_json(const std::vector<InlineCompletionItem>& items) {
  Json list = Json::array();
  for (const InlineCompletionItem& item : items) {
    list.push_back({{"insertText", item.insert_text}, {"range", {{"start", to_json(item.range.start)}, {"end", to_json(item.range.end)}}}});
  }
  return {{"items", std::move(list)}};
}

}  // namespace octet::lsp

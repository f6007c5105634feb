#include "lsp/protocol.h"

#include <utility>

#include "lsp/initialize.h"
#include "lsp/json_reader.h"

namespace octet::lsp {
namespace {

/// LSP's uinteger: 0 to 2^31 - 1.
Result<std::uint32_t> coordinate(const JsonReader& reader) {
  const auto value = reader.integer();
  if (!value || *value < 0 || *value > INT32_MAX) return reader.expected("an integer from 0 to 2^31 - 1");
  return static_cast<std::uint32_t>(*value);
}

Result<Position> position(const JsonReader& reader) {
  const auto line = coordinate(reader.field("line"));
  if (!line) return tl::unexpected(line.error());
  const auto character = coordinate(reader.field("character"));
  if (!character) return tl::unexpected(character.error());
  return Position{*line, *character};
}

Result<Range> range(const JsonReader& reader) {
  const auto start = position(reader.field("start"));
  if (!start) return tl::unexpected(start.error());
  const auto end = position(reader.field("end"));
  if (!end) return tl::unexpected(end.error());
  return Range{*start, *end};
}

Result<ContentChange> content_change(const JsonReader& change) {
  ContentChange out;
  const auto text = change.field("text").text();
  if (!text) return tl::unexpected(text.error());
  out.text = *text;
  if (const JsonReader where = change.field("range"); where.present()) {
    const auto parsed = range(where);
    if (!parsed) return tl::unexpected(parsed.error());
    out.range = *parsed;
  }
  return out;
}

Json to_json(Position at) { return {{"line", at.line}, {"character", at.character}}; }

}  // namespace

Result<DidOpenParams> parse_did_open(const Json& json) {
  const JsonReader document = JsonReader(json, "params").field("textDocument");
  const auto uri = document.field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  const auto text = document.field("text").text();
  if (!text) return tl::unexpected(text.error());
  const auto version = document.field("version").integer();
  return DidOpenParams{*uri, document.field("languageId").text().value_or(""), version.value_or(0), *text};
}

Result<DidChangeParams> parse_did_change(const Json& json) {
  const JsonReader params(json, "params");
  const JsonReader document = params.field("textDocument");
  DidChangeParams out;
  const auto uri = document.field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  out.uri = *uri;
  out.version = document.field("version").integer().value_or(0);
  const JsonReader changes = params.field("contentChanges");
  if (!changes.present() || !changes.json().is_array()) return changes.expected("an array");
  for (const Json& entry : changes.json()) {
    auto change = content_change(JsonReader(entry, changes.path() + "[]"));
    if (!change) return tl::unexpected(change.error());
    out.changes.push_back(std::move(*change));
  }
  return out;
}

Result<std::string> parse_did_close(const Json& json) { return JsonReader(json, "params").field("textDocument").field("uri").text(); }

Result<InlineCompletionParams> parse_inline_completion(const Json& json) {
  const JsonReader params(json, "params");
  InlineCompletionParams out;
  const auto uri = params.field("textDocument").field("uri").text();
  if (!uri) return tl::unexpected(uri.error());
  out.uri = *uri;
  const auto at = position(params.field("position"));
  if (!at) return tl::unexpected(at.error());
  out.position = *at;
  const JsonReader context = params.field("context");
  out.is_invoked = context.field("triggerKind").integer().value_or(2) == 1;
  if (const JsonReader selected = context.field("selectedCompletionInfo"); selected.present()) {
    const auto where = range(selected.field("range"));
    if (!where) return tl::unexpected(where.error());
    const auto text = selected.field("text").text();
    if (!text) return tl::unexpected(text.error());
    out.selected = SelectedCompletion{*where, *text};
  }
  return out;
}

Result<Json> parse_cancel(const Json& json) {
  const JsonReader id = JsonReader(json, "params").field("id");
  if (!id.present() || !(id.json().is_string() || id.json().is_number_integer())) return id.expected("an integer or a string");
  return id.json();
}

Result<std::vector<std::string>> parse_watched_files(const Json& json) {
  const JsonReader changes = JsonReader(json, "params").field("changes");
  if (!changes.present() || !changes.json().is_array()) return changes.expected("an array");
  std::vector<std::string> uris;
  for (const Json& change : changes.json()) {
    const auto uri = JsonReader(change, changes.path() + "[]").field("uri").text();
    if (!uri) return tl::unexpected(uri.error());
    uris.push_back(*uri);
  }
  return uris;
}

Result<FolderChange> parse_folder_change(const Json& json) {
  const JsonReader event = JsonReader(json, "params").field("event");
  FolderChange out;
  for (const auto& [name, folders] : {std::pair{"added", &out.added}, {"removed", &out.removed}}) {
    const JsonReader listed = event.field(name);
    if (!listed.present() || !listed.json().is_array()) return listed.expected("an array");
    *folders = parse_folders(listed.json());
  }
  return out;
}

Result<ExecuteCommandParams> parse_execute_command(const Json& json) {
  const JsonReader params(json, "params");
  const auto command = params.field("command").text();
  if (!command) return tl::unexpected(command.error());
  const JsonReader arguments = params.field("arguments");
  if (!arguments.present()) return ExecuteCommandParams{*command, Json::array()};
  if (!arguments.json().is_array()) return arguments.expected("an array");
  return ExecuteCommandParams{*command, arguments.json()};
}

Result<ItemFeedback> parse_item_feedback(const Json& json) {
  const JsonReader params(json, "params");
  const JsonReader arguments = params.field("item").field("command").field("arguments");
  if (!arguments.present() || !arguments.json().is_array() || arguments.json().empty())
    return arguments.expected("an array with the token");
  const auto token = JsonReader(arguments.json()[0], arguments.path() + "[0]").text();
  if (!token) return tl::unexpected(token.error());
  const auto length = params.field("acceptedLength").integer(0, INT32_MAX);
  return ItemFeedback{*token, static_cast<std::size_t>(length.value_or(0))};
}

Json to_json(const Range& range) { return {{"start", to_json(range.start)}, {"end", to_json(range.end)}}; }

}  // namespace octet::lsp

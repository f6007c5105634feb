#include "benchmarks/latency/trace.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/json_depth.h"
#include "bytemodel/sha256.h"

namespace octet::benchmarks {
namespace {

using Json = nlohmann::json;

constexpr double kMaxMs = 24 * 3600 * 1e3;

bool is_boundary(const std::string& text, std::size_t offset) {
  return offset <= text.size() && (offset == text.size() || (static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80);
}

/// What of `line` is missing or of another type than it should be; nothing where all is there.
std::optional<std::string> complaint(const Json& line, std::initializer_list<const char*> strings,
                                     std::initializer_list<const char*> counts) {
  if (!line.is_object()) return "expected a JSON object";
  for (const char* name : strings) {
    if (!line.contains(name) || !line[name].is_string()) return fmt::format("expected a string \"{}\"", name);
  }
  for (const char* name : counts) {
    if (!line.contains(name) || !line[name].is_number_unsigned()) return fmt::format("expected a whole number \"{}\"", name);
  }
  return std::nullopt;
}

}  // namespace

std::size_t Trace::n_keys() const {
  return static_cast<std::size_t>(std::ranges::count_if(events, [](const TraceEvent& event) { return event.is_key; }));
}

std::string to_json_lines(const Trace& trace) {
  constexpr auto kReplace = Json::error_handler_t::replace;
  std::string lines;
  for (const TraceFile& file : trace.files) {
    lines += Json({{"path", file.path}, {"language", file.language}, {"text", file.text}}).dump(-1, ' ', false, kReplace) + '\n';
  }
  for (const TraceEvent& event : trace.events) {
    lines += Json({{"at_ms", event.at_ms},
                   {"file", event.file_idx},
                   {"start", event.start},
                   {"end", event.end},
                   {"text", event.text},
                   {"cursor", event.cursor},
                   {"key", event.is_key}})
                 .dump(-1, ' ', false, kReplace) +
             '\n';
  }
  return lines;
}

std::string hash_of(const Trace& trace) {
  bytemodel::Sha256 hash;
  hash.add(to_json_lines(trace));
  return bytemodel::to_hex(hash.finish());
}

Result<Trace> read_trace(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read", path.string()));
  Trace trace;
  std::vector<std::string> texts;
  std::size_t n_lines = 0;
  for (std::string line; std::getline(file, line);) {
    ++n_lines;
    const auto wrong = [&](const std::string& what) {
      return fail(ErrorCode::kMalformed, fmt::format("{}:{}: {}", path.string(), n_lines, what));
    };
    if (line.empty()) continue;
    const bool is_readable = !json_depth_exceeds(line) && !has_nul(line);
    const Json json = is_readable ? Json::parse(line, nullptr, /*allow_exceptions=*/false) : Json(Json::value_t::discarded);
    if (json.is_object() && json.contains("path")) {
      if (const auto what = complaint(json, {"path", "language", "text"}, {})) return wrong(*what);
      if (!trace.events.empty()) return wrong("a file behind the first event");
      trace.files.push_back({json["path"], json["language"], json["text"]});
      texts.push_back(trace.files.back().text);
      continue;
    }
    if (const auto what = complaint(json, {"text"}, {"file", "start", "end", "cursor"})) return wrong(*what);
    if (!json.contains("at_ms") || !json["at_ms"].is_number()) return wrong("expected a number \"at_ms\"");
    if (json.contains("key") && !json["key"].is_boolean()) return wrong("expected true or false as \"key\"");
    TraceEvent event{json["at_ms"], json["file"], json["start"], json["end"], json["text"], json["cursor"], json.value("key", true)};
    if (!(event.at_ms >= 0 && event.at_ms < kMaxMs)) return wrong("a time before the first one, or more than a day behind it");
    if (event.file_idx >= trace.files.size()) return wrong(fmt::format("file {} of {}", event.file_idx, trace.files.size()));
    if (!trace.events.empty() && event.at_ms < trace.events.back().at_ms) return wrong("a time before the one above it");
    std::string& text = texts[event.file_idx];
    if (event.start > event.end || !is_boundary(text, event.start) || !is_boundary(text, event.end))
      return wrong(fmt::format("bytes {} to {} are no characters of a text of {}", event.start, event.end, text.size()));
    text.replace(event.start, event.end - event.start, event.text);
    if (!is_boundary(text, event.cursor))
      return wrong(fmt::format("a cursor at byte {} of {}, or inside a character", event.cursor, text.size()));
    trace.events.push_back(std::move(event));
  }
  if (trace.n_keys() == 0) return fail(ErrorCode::kMalformed, fmt::format("{}: expected at least one key, found none", path.string()));
  return trace;
}

TraceDocuments::TraceDocuments(const Trace& trace) {
  for (const TraceFile& file : trace.files) texts_.push_back(file.text);
}

void TraceDocuments::apply(const TraceEvent& event) { texts_.at(event.file_idx).replace(event.start, event.end - event.start, event.text); }

}  // namespace octet::benchmarks

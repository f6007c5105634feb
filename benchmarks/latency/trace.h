// What a person does in an editor, key by key: recorded or made up, as values and as JSON lines (benchmarks/README.md).
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "bytemodel/result.h"

namespace octet::benchmarks {

/// A document as it is when it is opened.
struct TraceFile {
  std::string path;
  std::string language;  // LSP's identifier
  std::string text;
};

/// Bytes [start, end) of a file become `text`, and the cursor stands at `cursor`; all of them offsets in bytes. A cursor that only moves
/// changes nothing: start == end, no text.
struct TraceEvent {
  double at_ms = 0;  // since the trace began
  std::size_t file_idx = 0;
  std::size_t start = 0;
  std::size_t end = 0;
  std::string text;
  std::size_t cursor = 0;  // behind the edit
  bool is_key = true;      // an editor asks for a completion behind it
};

struct Trace {
  std::vector<TraceFile> files;
  std::vector<TraceEvent> events;

  std::size_t n_keys() const;
};

/// One JSON object a line, files first. The same trace gives the same bytes.
std::string to_json_lines(const Trace& trace);
/// The SHA-256 of the JSON lines.
std::string hash_of(const Trace& trace);

/// Fails with kUnreadable where the file cannot be read; with kMalformed, and the line, where a line is no such object, a time lies before
/// the one above it, or an offset lies outside its document or inside a character.
Result<Trace> read_trace(const std::filesystem::path& path);

/// The documents of a trace while it is played.
class TraceDocuments {
 public:
  explicit TraceDocuments(const Trace& trace);
  /// The event must fit: read_trace() has seen to that.
  void apply(const TraceEvent& event);
  const std::string& text(std::size_t file_idx) const { return texts_.at(file_idx); }
  std::size_t size() const { return texts_.size(); }

 private:
  std::vector<std::string> texts_;
};

}  // namespace octet::benchmarks

// The open documents as the editor has them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "engine/context/document.h"
#include "lsp/position.h"

namespace octet::lsp {

struct Range {
  Position start;
  Position end;
};

/// One entry of didChange's contentChanges; without a range, `text` replaces the whole document.
struct ContentChange {
  std::optional<Range> range;
  std::string text;
};

/// Owned by the main thread. The snapshots it hands out are safe anywhere.
class DocumentStore {
 public:
  void set_encoding(PositionEncoding encoding) { encoding_ = encoding; }
  PositionEncoding encoding() const { return encoding_; }

  /// Opens, or replaces what is open under the same URI.
  void open(std::string uri, std::string language, std::int64_t version, std::string text);
  /// Fails with kNotFound where the document is not open; the store is then unchanged.
  Result<void> change(const std::string& uri, std::int64_t version, const std::vector<ContentChange>& changes);
  Result<void> close(const std::string& uri);

  /// nullptr when it is not open.
  const engine::DocumentSnapshot* find(const std::string& uri) const;

 private:
  PositionEncoding encoding_ = PositionEncoding::kUtf16;
  std::map<std::string, engine::DocumentSnapshot> documents_;
};

/// The path part of a URI with its percent signs decoded: a file's name, and what the model should see of it.
std::string path_of_uri(std::string_view uri);

}  // namespace octet::lsp

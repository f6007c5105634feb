#include "lsp/document_store.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

tl::unexpected<Error> not_open(const std::string& uri) {
  return fail(ErrorCode::kNotFound, fmt::format("the document is not open: {}", uri));
}

void apply(std::string& text, const ContentChange& change, PositionEncoding encoding) {
  if (!change.range) {
    text = change.text;
    return;
  }
  const std::size_t a = to_offset(text, change.range->start, encoding);
  const std::size_t b = to_offset(text, change.range->end, encoding);
  text.replace(std::min(a, b), std::max(a, b) - std::min(a, b), change.text);
}

}  // namespace

void DocumentStore::open(std::string uri, std::string language, std::int64_t version, std::string text) {
  engine::DocumentSnapshot snapshot;
  snapshot.uri = uri;
  snapshot.path = path_of_uri(uri);
  snapshot.version = version;
  snapshot.language = std::move(language);
  snapshot.text = std::make_shared<const std::string>(std::move(text));
  documents_.insert_or_assign(std::move(uri), std::move(snapshot));
}

Result<void> DocumentStore::change(const std::string& uri, std::int64_t version, const std::vector<ContentChange>& changes) {
  const auto found = documents_.find(uri);
  if (found == documents_.end()) return not_open(uri);
  std::string text = *found->second.text;
  for (const ContentChange& change : changes) apply(text, change, encoding_);
  found->second.text = std::make_shared<const std::string>(std::move(text));
  found->second.version = version;
  return {};
}

Result<void> DocumentStore::close(const std::string& uri) {
  if (documents_.erase(uri) == 0) return not_open(uri);
  return {};
}

const engine::DocumentSnapshot* DocumentStore::find(const std::string& uri) const {
  const auto found = documents_.find(uri);
  return found == documents_.end() ? nullptr : &found->second;
}

std::string path_of_uri(std::string_view uri) {
  const std::size_t scheme_end = uri.find(':');
  std::string_view path = scheme_end == std::string_view::npos ? uri : uri.substr(scheme_end + 1);
  path = path.substr(0, path.find_first_of("?#"));
  if (path.starts_with("//")) {  // an authority, mostly an empty one
    const std::size_t slash = path.find('/', 2);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash);
  }
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    unsigned value = 0;
    if (path[i] == '%' && i + 2 < path.size() && std::from_chars(&path[i + 1], &path[i + 1] + 2, value, 16).ptr == &path[i + 1] + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += path[i];
    }
  }
  return out;
}

}  // namespace octet::lsp

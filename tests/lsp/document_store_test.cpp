// The open documents (R5): edits against a reference, snapshots that stand still, paths of URIs.
#include "lsp/document_store.h"

#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lsp/initialize.h"
#include "lsp/protocol.h"
#include "tests/lsp/naive_text.h"
#include "tests/support/long_form.h"

namespace octet::tests {
namespace {

using lsp::ContentChange;
using lsp::DocumentStore;
using lsp::Position;
using lsp::PositionEncoding;
using lsp::Range;

const std::string kUri = "file:///a/b.txt";

class RandomEdits {
 public:
  RandomEdits(unsigned seed, PositionEncoding encoding) : random_(seed), encoding_(encoding) {}

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  std::string text(std::size_t max_pieces) {
    std::string out;
    for (std::size_t n = below(max_pieces + 1); n > 0; --n) out += text_pieces()[below(text_pieces().size())];
    return out;
  }

  /// Mostly inside the text; sometimes beyond a line or the end, sometimes inside a character.
  Position position(const NaiveText& text) {
    const std::size_t line = below(text.n_lines() + (below(10) == 0 ? 3 : 0));
    const std::size_t n_units = line < text.n_lines() ? text.line_units(line, encoding_) : 0;
    return {static_cast<std::uint32_t>(line), static_cast<std::uint32_t>(below(n_units + 1 + (below(10) == 0 ? 5 : 0)))};
  }

  ContentChange change(const NaiveText& current) {
    const bool is_long = current.utf8().size() > 400;
    if (below(40) == 0) return {std::nullopt, text(20)};
    // In any order: a reversed range means the same text.
    const Position a = position(current);
    const Position b = below(3) == 0 && !is_long ? a : position(current);
    return {Range{a, b}, text(is_long ? 1 : 4)};
  }

 private:
  std::mt19937 random_;
  PositionEncoding encoding_;
};

std::string text_of(const DocumentStore& store, const std::string& uri = kUri) {
  const auto* document = store.find(uri);
  REQUIRE(document != nullptr);
  return std::string(document->view());
}

}  // namespace

TEST_CASE("random edits give the text that a list of code points gives") {
  const int n_edits_wanted = count_from("OCTET_STRESS_EDITS", 21'000) / 3;  // in each encoding
  const PositionEncoding encoding = GENERATE(PositionEncoding::kUtf8, PositionEncoding::kUtf16, PositionEncoding::kUtf32);
  const unsigned seed = 20250101;
  CAPTURE(lsp::to_string(encoding), seed);
  RandomEdits edits(seed, encoding);
  DocumentStore store;
  store.set_encoding(encoding);
  NaiveText reference(edits.text(30));
  store.open(kUri, "text", 0, reference.utf8());

  std::int64_t version = 0;
  for (int n_edits = 0; n_edits < n_edits_wanted;) {
    std::vector<ContentChange> batch;
    const std::string before = reference.utf8();
    for (std::size_t n = edits.below(5); n > 0; --n) {
      batch.push_back(edits.change(reference));
      if (batch.back().range) {
        reference.replace(*batch.back().range, batch.back().text, encoding);
      } else {
        reference = NaiveText(batch.back().text);
      }
    }
    n_edits += static_cast<int>(batch.size());
    // Now and then a version that was there before: the text follows the client all the same.
    version += edits.below(20) == 0 ? -static_cast<std::int64_t>(edits.below(3)) : 1;
    REQUIRE(store.change(kUri, version, batch).has_value());
    const bool is_same = text_of(store) == reference.utf8();
    if (!is_same) {
      CAPTURE(before, batch.size(), n_edits);
      REQUIRE(text_of(store) == reference.utf8());
    }
  }
  CHECK(store.find(kUri)->version == version);
}

TEST_CASE("the changes of one notification apply one after the other") {
  DocumentStore store;
  store.open(kUri, "text", 1, "ab");
  REQUIRE(store
              .change(kUri, 2,
                      {{Range{{0, 1}, {0, 1}}, "\n"}, {Range{{1, 0}, {1, 0}}, "x"}, {std::nullopt, "new"}, {Range{{0, 3}, {0, 3}}, "!"}})
              .has_value());
  CHECK(text_of(store) == "new!");
  REQUIRE(store.change(kUri, 3, {}).has_value());
  CHECK(text_of(store) == "new!");
  CHECK(store.find(kUri)->version == 3);
}

TEST_CASE("an edit may part or join a CR LF") {
  DocumentStore store;
  store.open(kUri, "text", 1, "a\r\nb");
  REQUIRE(store.change(kUri, 2, {{Range{{0, 1}, {1, 0}}, "\r"}, {Range{{1, 0}, {1, 0}}, "\n"}}).has_value());
  CHECK(text_of(store) == "a\r\nb");  // a CR, then a LF at the start of the line behind it: one line ending again
  REQUIRE(store.change(kUri, 3, {{Range{{1, 1}, {1, 1}}, "c"}}).has_value());
  CHECK(text_of(store) == "a\r\nbc");
}

TEST_CASE("a reversed range means the same text as one in order") {
  DocumentStore store;
  store.open(kUri, "text", 1, "one\ntwo\nsix");
  REQUIRE(store.change(kUri, 2, {{Range{{2, 1}, {0, 1}}, "-"}}).has_value());
  CHECK(text_of(store) == "o-ix");
}

TEST_CASE("a change of a document that is not open fails and changes nothing") {
  DocumentStore store;
  store.open(kUri, "text", 1, "text");
  const auto changed = store.change("file:///other", 2, {{std::nullopt, "x"}});
  REQUIRE_FALSE(changed.has_value());
  CHECK(changed.error().code == ErrorCode::kNotFound);
  CHECK(changed.error().message.find("file:///other") != std::string::npos);
  CHECK(store.find("file:///other") == nullptr);
  CHECK(text_of(store) == "text");

  const auto closed = store.close("file:///other");
  REQUIRE_FALSE(closed.has_value());
  CHECK(closed.error().code == ErrorCode::kNotFound);
}

TEST_CASE("a closed document is not open any more and may be opened again") {
  DocumentStore store;
  store.open(kUri, "text", 1, "one");
  REQUIRE(store.close(kUri).has_value());
  CHECK(store.find(kUri) == nullptr);
  CHECK_FALSE(store.close(kUri).has_value());
  CHECK_FALSE(store.change(kUri, 2, {}).has_value());
  store.open(kUri, "c", 7, "two");
  CHECK(text_of(store) == "two");
  CHECK(store.find(kUri)->language == "c");
  CHECK(store.find(kUri)->version == 7);
}

TEST_CASE("opening what is open replaces it") {
  DocumentStore store;
  store.open(kUri, "text", 5, "one");
  store.open(kUri, "c", 1, "two");
  CHECK(text_of(store) == "two");
  CHECK(store.find(kUri)->version == 1);
}

TEST_CASE("documents are told apart by their whole URI") {
  DocumentStore store;
  const std::vector<std::string> uris{"file:///a", "file:///A", "file:///a/", "file:///a?x", "file:///%61", "untitled:a", ""};
  for (const std::string& uri : uris) store.open(uri, "text", 1, "text of " + uri);
  for (const std::string& uri : uris) CHECK(text_of(store, uri) == "text of " + uri);
}

TEST_CASE("a snapshot keeps its text whatever happens to the document") {
  DocumentStore store;
  store.open(kUri, "text", 1, "before");
  const engine::DocumentSnapshot snapshot = *store.find(kUri);
  const auto check_unchanged = [&] {
    CHECK(snapshot.view() == "before");
    CHECK(snapshot.version == 1);
    CHECK(snapshot.uri == kUri);
    CHECK(snapshot.path == "/a/b.txt");
  };
  REQUIRE(store.change(kUri, 2, {{Range{{0, 0}, {0, 3}}, "x"}}).has_value());
  check_unchanged();
  REQUIRE(store.change(kUri, 3, {{std::nullopt, "other"}}).has_value());
  check_unchanged();
  store.open(kUri, "text", 4, "again");
  check_unchanged();
  REQUIRE(store.close(kUri).has_value());
  check_unchanged();
}

TEST_CASE("every snapshot of a long edit keeps the text of its version") {
  RandomEdits edits(7, PositionEncoding::kUtf16);
  DocumentStore store;
  NaiveText reference("");
  store.open(kUri, "text", 0, "");
  std::vector<std::pair<engine::DocumentSnapshot, std::string>> kept;
  for (int version = 1; version <= 300; ++version) {
    const ContentChange change = edits.change(reference);
    REQUIRE(store.change(kUri, version, {change}).has_value());
    reference = NaiveText(text_of(store));
    kept.emplace_back(*store.find(kUri), reference.utf8());
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i].first.view() == kept[i].second);
    CHECK(kept[i].first.version == static_cast<std::int64_t>(i + 1));
  }
}

TEST_CASE("the path of a URI has its percent signs decoded and no query") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},
      {"file:///home/me/a.cpp", "/home/me/a.cpp"},
      {"file:///c%3A/src/a%20b.cpp", "/c:/src/a b.cpp"},
      {"file:///%D0%B6.py", "/ж.py"},
      {"file:///%d0%b6.py", "/ж.py"},
      {"file:///a%2Fb", "/a/b"},
      {"file:///100%25", "/100%"},
      {"file:///100%2525", "/100%25"},  // decoded once
      {"file:///a?query#fragment", "/a"},
      {"file:///a#fragment?x", "/a"},
      {"file:///a%3Fb%23c", "/a?b#c"},
      {"untitled:Untitled-1", "Untitled-1"},
      {"vscode-notebook-cell:/a/b.ipynb#W0", "/a/b.ipynb"},
      {"/plain/path", "/plain/path"},
      {"file:///%", "/%"},
      {"file:///%4", "/%4"},
      {"file:///a%4", "/a%4"},
      {"file:///%zz", "/%zz"},
      {"file:///%4z", "/%4z"},
      {"file:///%-1", "/%-1"},
      {"file:///%+1", "/%+1"},
      {"file:///% 1", "/% 1"},
      {"file:///%%41", "/%A"},
      {"file:///%41", "/A"},
      {"file:///+", "/+"},
      {"file:///%00a", std::string("/\0a", 3)},
      {"file:///%FF", "/\xff"},
      {":", ""},
      {"a:b:c", "b:c"},
  };
  for (const auto& [uri, path] : cases) {
    CAPTURE(uri);
    CHECK(lsp::path_of_uri(uri) == path);
  }
}

}  // namespace octet::tests

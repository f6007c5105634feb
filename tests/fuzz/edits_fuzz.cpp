// Edits: what didChange makes of a document, against a text that is a list of lines of code points.
//
// An input is the encoding (one byte), then edits: two positions of two bytes each, the number of pieces, and for each the number of
// the piece (text_pieces()). A first position with line 255 replaces the whole text.
#include <string>
#include <vector>

#include "bytemodel/check.h"
#include "lsp/document_store.h"
#include "tests/fuzz/input.h"
#include "tests/lsp/naive_text.h"

namespace {

using namespace octet;
using lsp::ContentChange;
using lsp::Position;
using lsp::PositionEncoding;

constexpr std::size_t kMaxPieces = 8;
constexpr std::size_t kMaxEdits = 100;  // the reference copies the text at each

/// The bytes of an input, one after another; zeros behind its end.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  bool is_empty() const { return left_.empty(); }
  unsigned take() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }

 private:
  std::string_view left_;
};

ContentChange next_change(Bytes& bytes) {
  const Position start{bytes.take(), bytes.take()};
  const Position end{bytes.take(), bytes.take()};
  ContentChange change;
  if (start.line != 255) change.range = lsp::Range{start, end};
  for (std::size_t n = bytes.take() % (kMaxPieces + 1); n > 0; --n) {
    change.text += tests::text_pieces()[bytes.take() % tests::text_pieces().size()];
  }
  return change;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(tests::as_text(data, size));
  const PositionEncoding encoding = tests::kEncodings[bytes.take() % 3];
  const std::string uri = "file:///a.txt";
  lsp::DocumentStore store;
  store.set_encoding(encoding);
  store.open(uri, "text", 1, "");
  tests::NaiveText reference("");
  const auto kept = store.find(uri)->text;  // of a snapshot that a request still holds
  for (std::size_t n_edits = 0; !bytes.is_empty() && n_edits < kMaxEdits; ++n_edits) {
    const ContentChange change = next_change(bytes);
    if (change.range) {
      reference.replace(*change.range, change.text, encoding);
    } else {
      reference = tests::NaiveText(change.text);
    }
    const auto version = static_cast<std::int64_t>(n_edits) + 2;
    OCTET_CHECK(store.change(uri, version, {change}).has_value());
    OCTET_CHECK(store.find(uri)->version == version);
    OCTET_CHECK(store.find(uri)->view() == reference.utf8());
  }
  OCTET_CHECK(kept->empty());
  return 0;
}

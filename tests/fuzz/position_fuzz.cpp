// URIs and positions: every offset and every position of a small text, in all three encodings, against a text that is a list of
// lines of code points; and any path through a URI and back.
//
// An input is a URI, a line feed and a text.
#include <algorithm>
#include <cstdint>
#include <string>

#include "bytemodel/check.h"
#include "lsp/document_store.h"
#include "lsp/position.h"
#include "tests/fuzz/input.h"
#include "tests/lsp/naive_text.h"
#include "tests/support/utf8.h"

namespace {

using namespace octet;
using lsp::Position;
using lsp::PositionEncoding;

constexpr std::size_t kMaxTextBytes = 48;  // the reference takes the cube of it

void check_uri(std::string_view uri) {
  OCTET_CHECK(lsp::path_of_uri(uri).size() <= uri.size());
  std::string encoded = "file:///";
  for (const char c : uri) {
    const char* digits = "0123456789aBcDeF";
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', digits[byte >> 4], digits[byte & 15]};
  }
  OCTET_CHECK(lsp::path_of_uri(encoded) == "/" + std::string(uri));
}

/// Text that is not UTF-8: a place in the text all the same, and never one behind that of a later position.
void check_bounds(std::string_view text, PositionEncoding encoding) {
  std::size_t last = 0;
  for (std::uint32_t line = 0; line < 4; ++line) {
    for (std::uint32_t character = 0; character < 8; ++character) {
      const std::size_t offset = lsp::to_offset(text, {line, character}, encoding);
      OCTET_CHECK(offset >= last && offset <= text.size());
      last = offset;
    }
  }
  for (std::size_t offset = 0; offset <= text.size(); ++offset) {
    OCTET_CHECK(lsp::to_offset(text, lsp::to_position(text, offset, encoding), encoding) <= offset);
  }
}

void check_against_reference(std::string_view text, PositionEncoding encoding) {
  const tests::NaiveText reference(text);
  for (std::size_t offset = 0; offset <= text.size(); ++offset) {
    const Position position = lsp::to_position(text, offset, encoding);
    OCTET_CHECK(position == reference.position(offset, encoding));
    OCTET_CHECK(lsp::to_position(text, lsp::to_offset(text, position, encoding), encoding) == position);
  }
  for (std::uint32_t line = 0; line < reference.n_lines() + 2; ++line) {
    const std::uint32_t n_units = line < reference.n_lines() ? reference.line_units(line, encoding) : 0;
    for (std::uint32_t character = 0; character < n_units + 3; ++character) {
      OCTET_CHECK(lsp::to_offset(text, {line, character}, encoding) == reference.offset({line, character}, encoding));
    }
  }
  for (const Position far : {Position{0, INT32_MAX}, Position{INT32_MAX, 0}, Position{INT32_MAX, INT32_MAX}}) {
    OCTET_CHECK(lsp::to_offset(text, far, encoding) == reference.offset(far, encoding));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = tests::as_text(data, size);
  const std::size_t line_end = std::min(input.find('\n'), input.size());
  check_uri(input.substr(0, line_end));
  const std::string_view text = input.substr(std::min(line_end + 1, input.size())).substr(0, kMaxTextBytes);
  for (const PositionEncoding encoding : tests::kEncodings) {
    check_bounds(text, encoding);
    if (tests::is_valid_utf8(text)) check_against_reference(text, encoding);
  }
  return 0;
}

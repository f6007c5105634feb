// Positions to offsets and back (R5): against a naive implementation, in all three encodings, and at every edge by hand.
#include "lsp/position.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "lsp/protocol.h"
#include "tests/lsp/naive_text.h"

namespace octet::tests {
namespace {

using lsp::Position;
using lsp::PositionEncoding;
using lsp::to_offset;
using lsp::to_position;

constexpr std::uint32_t kFar = 2147483647;

bool is_boundary(std::string_view text, std::size_t offset) {
  return offset >= text.size() || (static_cast<unsigned char>(text[offset]) & 0xC0) != 0x80;
}

bool is_inside_line_ending(std::string_view text, std::size_t offset) {
  return offset > 0 && offset < text.size() && text[offset - 1] == '\r' && text[offset] == '\n';
}

std::string random_text() {
  std::string text;
  for (const std::string& piece : *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(text_pieces()))) text += piece;
  return text;
}

struct Case {
  Position position;
  std::size_t offset;
};

/// Places where position and offset determine each other.
void check_both(std::string_view text, PositionEncoding encoding, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(text, lsp::to_string(encoding), c.position.line, c.position.character, c.offset);
    CHECK(to_offset(text, c.position, encoding) == c.offset);
    CHECK(to_position(text, c.offset, encoding) == c.position);
  }
}

void check_offset(std::string_view text, PositionEncoding encoding, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(text, lsp::to_string(encoding), c.position.line, c.position.character);
    CHECK(to_offset(text, c.position, encoding) == c.offset);
  }
}

}  // namespace

TEST_CASE("characters count as bytes, UTF-16 units or code points") {
  const std::string text = "aé€😀b\nж";  // offsets: a 0, é 1, € 3, 😀 6, b 10, \n 11, ж 12, end 14
  check_both(text, PositionEncoding::kUtf8,
             {{{0, 0}, 0}, {{0, 1}, 1}, {{0, 3}, 3}, {{0, 6}, 6}, {{0, 10}, 10}, {{0, 11}, 11}, {{1, 0}, 12}, {{1, 2}, 14}});
  check_both(text, PositionEncoding::kUtf16,
             {{{0, 0}, 0}, {{0, 1}, 1}, {{0, 2}, 3}, {{0, 3}, 6}, {{0, 5}, 10}, {{0, 6}, 11}, {{1, 0}, 12}, {{1, 1}, 14}});
  check_both(text, PositionEncoding::kUtf32,
             {{{0, 0}, 0}, {{0, 1}, 1}, {{0, 2}, 3}, {{0, 3}, 6}, {{0, 4}, 10}, {{0, 5}, 11}, {{1, 0}, 12}, {{1, 1}, 14}});
}

TEST_CASE("lines end with LF, CR LF or CR") {
  const std::string text = "a\nb\r\nc\rd\n\re\r\r\nf";
  for (const PositionEncoding encoding : kEncodings) {
    check_both(text, encoding,
               {{{0, 0}, 0},
                {{0, 1}, 1},
                {{1, 0}, 2},
                {{1, 1}, 3},
                {{2, 0}, 5},
                {{2, 1}, 6},
                {{3, 0}, 7},
                {{3, 1}, 8},
                {{4, 0}, 9},
                {{5, 0}, 10},
                {{5, 1}, 11},
                {{6, 0}, 12},
                {{7, 0}, 14},
                {{7, 1}, 15}});
    CHECK(to_position(text, 4, encoding) == Position{1, 1});  // between CR and LF
    CHECK(to_position(text, 13, encoding) == Position{6, 0});
  }
}

TEST_CASE("other Unicode line separators end no line") {
  const std::string text = "a\u2028b\u2029c\u0085d\ve\ff";
  CHECK(to_position(text, text.size(), PositionEncoding::kUtf32) == Position{0, 11});
}

TEST_CASE("a character beyond the line means its end") {
  for (const PositionEncoding encoding : kEncodings) {
    for (const std::uint32_t character : {std::uint32_t{4}, std::uint32_t{100}, kFar, UINT32_MAX}) {
      check_offset("one\ntwo\r\nsix\r\n", encoding, {{{0, character}, 3}, {{1, character}, 7}, {{2, character}, 12}, {{3, character}, 14}});
      check_offset("", encoding, {{{0, character}, 0}});
      check_offset("\n", encoding, {{{0, character}, 0}, {{1, character}, 1}});
    }
  }
}

TEST_CASE("a line beyond the last one means the end of the text") {
  for (const PositionEncoding encoding : kEncodings) {
    for (const std::uint32_t line : {std::uint32_t{2}, std::uint32_t{100}, kFar, UINT32_MAX}) {
      check_offset("a\nb", encoding, {{{line, 0}, 3}, {{line, 1}, 3}, {{line, UINT32_MAX}, 3}});
      check_offset("a\n", encoding, {{{line, 0}, 2}});
      check_offset("", encoding, {{{line, 5}, 0}});
    }
  }
}

TEST_CASE("a position inside a character means its start") {
  check_offset("a😀b", PositionEncoding::kUtf16, {{{0, 1}, 1}, {{0, 2}, 1}, {{0, 3}, 5}, {{0, 4}, 6}});
  check_offset("a😀b", PositionEncoding::kUtf8, {{{0, 1}, 1}, {{0, 2}, 1}, {{0, 3}, 1}, {{0, 4}, 1}, {{0, 5}, 5}, {{0, 6}, 6}});
  check_offset("é\nж€", PositionEncoding::kUtf8, {{{0, 1}, 0}, {{0, 2}, 2}, {{1, 1}, 3}, {{1, 3}, 5}, {{1, 4}, 5}, {{1, 5}, 8}});
}

TEST_CASE("an offset inside a character means its start") {
  for (const std::size_t offset : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{4}}) {
    CHECK(to_position("a😀b", offset, PositionEncoding::kUtf16) == Position{0, 1});
    CHECK(to_position("a😀b", offset, PositionEncoding::kUtf8) == Position{0, 1});
    CHECK(to_position("a😀b", offset, PositionEncoding::kUtf32) == Position{0, 1});
  }
}

TEST_CASE("every offset has the position that a naive count gives it, and leads back") {
  for (const PositionEncoding encoding : kEncodings) {
    CHECK(rc::check("offsets in " + std::string(lsp::to_string(encoding)), [encoding] {
      const std::string text = random_text();
      const NaiveText naive(text);
      RC_ASSERT(naive.utf8() == text);
      for (std::size_t offset = 0; offset <= text.size(); ++offset) {
        const Position position = to_position(text, offset, encoding);
        RC_ASSERT(position == naive.position(offset, encoding));
        const std::size_t back = to_offset(text, position, encoding);
        RC_ASSERT(back <= offset);
        if (is_boundary(text, offset) && !is_inside_line_ending(text, offset)) RC_ASSERT(back == offset);
      }
    }));
  }
}

TEST_CASE("every position has the offset that a naive count gives it, and leads back") {
  for (const PositionEncoding encoding : kEncodings) {
    CHECK(rc::check("positions in " + std::string(lsp::to_string(encoding)), [encoding] {
      const std::string text = random_text();
      const NaiveText naive(text);
      for (std::uint32_t line = 0; line < naive.n_lines() + 2; ++line) {
        const std::uint32_t n_units = line < naive.n_lines() ? naive.line_units(line, encoding) : 0;
        for (std::uint32_t character = 0; character < n_units + 3; ++character) {
          const Position position{line, character};
          const std::size_t offset = to_offset(text, position, encoding);
          RC_ASSERT(offset == naive.offset(position, encoding));
          RC_ASSERT(is_boundary(text, offset));
          RC_ASSERT(!is_inside_line_ending(text, offset));
          const Position back = to_position(text, offset, encoding);
          RC_ASSERT(to_offset(text, back, encoding) == offset);
          if (line < naive.n_lines() && character <= n_units) RC_ASSERT(back.line == line);
        }
      }
    }));
  }
}

TEST_CASE("offsets grow with positions") {
  CHECK(rc::check("monotonic", [] {
    const std::string text = random_text();
    const PositionEncoding encoding = *rc::gen::elementOf(std::vector(std::begin(kEncodings), std::end(kEncodings)));
    const auto coordinate = rc::gen::inRange<std::uint32_t>(0, 20);
    const Position a{*coordinate, *coordinate};
    const Position b{a.line + *coordinate, *coordinate};
    if (a.line == b.line && a.character > b.character) return;
    RC_ASSERT(to_offset(text, a, encoding) <= to_offset(text, b, encoding));
  }));
}

TEST_CASE("text that is not UTF-8 still gives offsets inside it") {
  CHECK(rc::check("bytes", [] {
    const auto text = *rc::gen::arbitrary<std::string>();
    const PositionEncoding encoding = *rc::gen::elementOf(std::vector(std::begin(kEncodings), std::end(kEncodings)));
    const auto coordinate = rc::gen::inRange<std::uint32_t>(0, 50);
    RC_ASSERT(to_offset(text, {*coordinate, *coordinate}, encoding) <= text.size());
    for (std::size_t offset = 0; offset <= text.size(); ++offset) {
      RC_ASSERT(to_offset(text, to_position(text, offset, encoding), encoding) <= offset);
    }
  }));
}

}  // namespace octet::tests

// A text as an editor might hold it, to compare the server's with: lines of code points, no byte offsets inside.
//
// Slow and plain on purpose: nothing here shares an idea with lsp/position.cpp, which walks over UTF-8 bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lsp/document_store.h"
#include "lsp/position.h"

namespace octet::tests {

inline std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    char32_t code = n == 1 ? lead : lead & (0xFFU >> (n + 1));
    for (std::size_t k = 1; k < n; ++k) code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    out += code;
    i += n;
  }
  return out;
}

inline std::string encode_utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) {
    const int n_tail = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    const std::uint32_t lead[] = {0x00, 0xC0, 0xE0, 0xF0};
    out += static_cast<char>(lead[n_tail] | c >> (6 * n_tail));
    for (int shift = 6 * (n_tail - 1); shift >= 0; shift -= 6) out += static_cast<char>(0x80 | (c >> shift & 0x3F));
  }
  return out;
}

class NaiveText {
 public:
  explicit NaiveText(std::string_view utf8) { split(decode_utf8(utf8)); }

  std::string utf8() const { return encode_utf8(join()); }
  std::size_t n_lines() const { return lines_.size(); }

  /// The length of a line in units of `encoding`, without its ending.
  std::uint32_t line_units(std::size_t line, lsp::PositionEncoding encoding) const {
    std::uint32_t n = 0;
    for (const char32_t c : lines_[line].content) n += units(c, encoding);
    return n;
  }

  /// As to_offset: a byte offset.
  std::size_t offset(lsp::Position position, lsp::PositionEncoding encoding) const {
    return encode_utf8(join().substr(0, index(position, encoding))).size();
  }

  /// As to_position, tried out: the last position whose offset is not behind `offset`.
  lsp::Position position(std::size_t offset, lsp::PositionEncoding encoding) const {
    lsp::Position best;
    std::size_t begin = 0;
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      std::uint32_t character = 0;
      std::size_t at = begin;
      if (at > offset) return best;
      best = {static_cast<std::uint32_t>(line), 0};
      for (const char32_t c : lines_[line].content) {
        at += units(c, lsp::PositionEncoding::kUtf8);
        character += units(c, encoding);
        if (at <= offset) best.character = character;
      }
      begin = at + lines_[line].ending.size();
    }
    return best;
  }

  std::string slice(const lsp::Range& range, lsp::PositionEncoding encoding) const {
    const std::size_t start = index(range.start, encoding);
    return encode_utf8(join().substr(start, index(range.end, encoding) - start));
  }

  void replace(const lsp::Range& range, std::string_view text, lsp::PositionEncoding encoding) {
    const auto [first, last] = std::minmax({index(range.start, encoding), index(range.end, encoding)});
    const std::u32string all = join();
    split(all.substr(0, first) + decode_utf8(text) + all.substr(last));
  }

 private:
  struct Line {
    std::u32string content;
    std::u32string ending;
  };

  static std::uint32_t units(char32_t c, lsp::PositionEncoding encoding) {
    if (encoding == lsp::PositionEncoding::kUtf32) return 1;
    if (encoding == lsp::PositionEncoding::kUtf16) return c > 0xFFFF ? 2 : 1;
    return static_cast<std::uint32_t>(encode_utf8(std::u32string(1, c)).size());
  }

  std::u32string join() const {
    std::u32string all;
    for (const Line& line : lines_) all += line.content + line.ending;
    return all;
  }

  void split(const std::u32string& all) {
    lines_.assign(1, {});
    for (std::size_t i = 0; i < all.size(); ++i) {
      Line& line = lines_.back();
      if (all[i] != U'\n' && all[i] != U'\r') {
        line.content += all[i];
        continue;
      }
      line.ending += all[i];
      if (all[i] == U'\r' && i + 1 < all.size() && all[i + 1] == U'\n') line.ending += all[++i];
      lines_.push_back({});
    }
  }

  /// Code points before `position`.
  std::size_t index(lsp::Position position, lsp::PositionEncoding encoding) const {
    std::size_t at = 0;
    for (std::size_t line = 0; line < lines_.size(); ++line) {
      const std::u32string& content = lines_[line].content;
      if (line < position.line) {
        at += content.size() + lines_[line].ending.size();
        continue;
      }
      std::size_t n = 0;
      std::uint64_t used = 0;
      while (n < content.size() && used + units(content[n], encoding) <= position.character) used += units(content[n++], encoding);
      return at + n;
    }
    return at;
  }

  std::vector<Line> lines_;
};

/// What random texts are made of: every length of UTF-8, every line ending, and empty lines where endings meet.
inline const std::vector<std::string>& text_pieces() {
  static const std::vector<std::string> pieces{"a",           "_z9",      " ",      "\t",     "(",          "\n",    "\r\n", "\r",
                                               "\n\n",        "\r\n\r\n", "é",      "ж",      "€",          "漢",    "𐐷",    "😀",
                                               "👩‍💻", "e\u0301",  "\u2028", "\u00a0", "\U0010FFFF", "\uFFFD"};
  return pieces;
}

inline constexpr lsp::PositionEncoding kEncodings[] = {lsp::PositionEncoding::kUtf8, lsp::PositionEncoding::kUtf16,
                                                       lsp::PositionEncoding::kUtf32};

}  // namespace octet::tests

// What a model could be made to write, and what of it reaches an editor. Judged by utf8proc's tables and by another decoder than ours.
#include <bitset>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <rapidcheck.h>
#include <utf8proc.h>
#include <catch2/catch.hpp>

#include "engine/decode/output_guard.h"
#include "tests/support/forced_decoding.h"
#include "tests/support/utf8.h"

namespace octet::tests {
namespace {

using engine::StopReason;

constexpr std::uint32_t kEndOfUnicode = 0x110000;

bool is_variation_selector(std::uint32_t point) { return point == 0xFE0E || point == 0xFE0F; }

const std::bitset<kEndOfUnicode>& blocked() {
  static const auto set = [] {
    auto points = std::make_unique<std::bitset<kEndOfUnicode>>();
    for (std::uint32_t point = 0; point < kEndOfUnicode; ++point) {
      const auto* property = utf8proc_get_property(static_cast<utf8proc_int32_t>(point));
      const bool is_control = property->category == UTF8PROC_CATEGORY_CC && point != '\t' && point != '\n' && point != '\r';
      const bool is_separator = property->category == UTF8PROC_CATEGORY_ZL || property->category == UTF8PROC_CATEGORY_ZP;
      // utf8proc knows the assigned ones. These blocks are kept for more of them.
      const bool is_reserved = (point >= 0xFFF0 && point <= 0xFFFB) || (point >= 0xE0000 && point <= 0xE0FFF) || point == 0x2065;
      (*points)[point] = (property->ignorable && !is_variation_selector(point)) || is_control || is_separator || is_reserved;
    }
    return points;
  }();
  return *set;
}

void append(std::string& text, std::uint32_t point) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(point), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(n));
}

/// The code points of text that is well-formed up to its last character.
std::vector<std::uint32_t> points_of(std::string_view text) {
  std::vector<std::uint32_t> points;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const auto n =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (n <= 0) break;
    points.push_back(static_cast<std::uint32_t>(point));
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return points;
}

/// Whether a grapheme ends behind the first n of `points`.
bool is_boundary(const std::vector<std::uint32_t>& points, std::size_t n) {
  utf8proc_int32_t state = 0;
  bool breaks = true;
  for (std::size_t i = 1; i <= n && i < points.size(); ++i) {
    breaks =
        utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(points[i - 1]), static_cast<utf8proc_int32_t>(points[i]), &state);
  }
  return n == 0 || n >= points.size() || breaks;
}

/// A piece of text of one of the classes that Unicode offers for mischief, or of those that must get through.
void append_piece(std::string& text, std::mt19937& random) {
  const auto any = [&](std::initializer_list<std::uint32_t> points) { append(text, *(points.begin() + random() % points.size())); };
  const auto within = [&](std::uint32_t first, std::uint32_t last) {
    append(text, first + static_cast<std::uint32_t>(random() % (last - first + 1)));
  };
  switch (random() % 24) {
    case 0: return within(0x00, 0x1F);
    case 1: return within(0x7F, 0x9F);
    case 2: return any({0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069, 0x200E, 0x200F, 0x061C});
    case 3: return any({0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x180E, 0x034F});
    case 4: return within(0xE0000, 0xE0FFF);
    case 5: return within(0xFE00, 0xFE0F);
    case 6: return any({0x115F, 0x1160, 0x3164, 0xFFA0, 0x17B4, 0x180B, 0x1BCA0, 0x1D173, 0xFFF0, 0xFFF9, 0xFFFB, 0x2028, 0x2029, 0x206A});
    case 7: return any({'\r', '\n'});
    case 8: text += "\r\n"; return;
    case 9: return within(0x300, 0x36F);                                                  // marks
    case 10: return within(0x1F600, 0x1F64F);                                             // emoji
    case 11: any({0x1F44B, 0x1F469}), within(0x1F3FB, 0x1F3FF); return;                   // with a skin tone
    case 12: append(text, 0x1F468), append(text, 0x200D), append(text, 0x1F469); return;  // joined
    case 13: within(0x1F1E6, 0x1F1FF); return;                                            // half of a flag
    case 14: return within(0x1100, 0x11FF);                                               // Hangul, letter by letter
    case 15: return any({0x0915, 0x094D, 0x0937, 0x093F, 0x0E33, 0x0BCD, 0x0B95});        // Indic and Thai clusters
    case 16: append(text, 0x2764), append(text, 0xFE0F); return;                          // a red heart
    case 17: return within(0x4E00, 0x9FFF);                                               // Chinese
    case 18: return any({0xE9, 0xDF, 0x20AC, 0xA0, 0x3000, 0x2003});                      // letters, spaces
    case 19: return within(0xFDD0, 0xFDEF);                                               // no characters at all
    case 20:                                                                              // any bytes
      for (std::size_t i = random() % 4; i > 0; --i) text += static_cast<char>(random());
      return;
    case 21: {
      const auto point = static_cast<std::uint32_t>(random()) % kEndOfUnicode;
      return append(text, point >= 0xD800 && point < 0xE000 ? point - 0x800 : point);
    }
    default: text += "ab (\t\"="[random() % 8]; return;
  }
}

/// What is wrong with this text, which reached the reader when `written` was what the model wrote; "" if nothing.
std::string fault_of(const std::string& text, const std::string& written, StopReason reason) {
  if (!is_valid_utf8(text)) return "not UTF-8";
  if (written.compare(0, text.size(), text) != 0) return "another text";
  const auto points = points_of(text);
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (blocked()[points[i]]) return "a blocked code point";
    if (points[i] == '\r' && (i + 1 == points.size() || points[i + 1] != '\n')) return "a lone carriage return";
    if (is_variation_selector(points[i]) && (i == 0 || points[i - 1] <= ' ' || is_variation_selector(points[i - 1])))
      return "a lone selector";
  }
  if (points.empty() || points.back() < 0x80) return "";
  if (!is_boundary(points_of(written), points.size())) return "half a grapheme";
  if (!is_whole(reason) && text.size() == written.size()) return "a grapheme that might go on";
  return "";
}

}  // namespace

TEST_CASE("what is unsafe is what Unicode says is invisible or a control") {
  std::size_t n_different = 0;
  for (std::uint32_t point = 0; point < kEndOfUnicode; ++point) n_different += engine::is_unsafe(point) == blocked()[point] ? 0 : 1;
  CHECK(n_different == 0);
  CHECK(blocked().count() > 4000);
}

TEST_CASE("of a million texts of every class none shows a blocked code point, half a character or half a grapheme") {
  ForcedDecoder decoder;
  std::mt19937 random(1);
  std::size_t n_bytes = 0;
  std::size_t n_cut = 0;
  std::size_t n_whole = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    std::string script;
    for (std::size_t n = 1 + random() % 6; n > 0; --n) append_piece(script, random);
    ForcedChooser chooser(script);
    engine::TextRules rules;
    rules.push_back(std::make_unique<engine::OutputGuard>());
    std::string streamed;
    const std::size_t max_bytes = 1 + random() % 24;
    const auto outcome = decoder.decode(chooser, rules, max_bytes, [&](std::string_view piece) { streamed += piece; });
    const std::string written = chooser.written();
    const std::string fault = fault_of(outcome.text, written, outcome.stop_reason);
    if (!fault.empty() || streamed != outcome.text) {
      CAPTURE(i, fault, script, outcome.text, max_bytes);
      REQUIRE(false);
    }
    n_bytes += outcome.text.size();
    n_cut += outcome.stop_reason == StopReason::kUnsafeText ? 1 : 0;
    n_whole += outcome.stop_reason == StopReason::kEnd && outcome.text == written ? 1 : 0;
  }
  // Most are cut, and many get through whole: neither a guard that is blind nor one that refuses everything would pass.
  CHECK(n_cut > 300'000);
  CHECK(n_whole > 100'000);
  CHECK(n_bytes > 2'000'000);
}

TEST_CASE("text without any of it leaves unchanged") {
  const auto shown = [](const std::string& script, std::size_t max_bytes = 1000) {
    ForcedDecoder decoder;
    ForcedChooser chooser(script);
    engine::TextRules rules;
    rules.push_back(std::make_unique<engine::OutputGuard>());
    return decoder.decode(chooser, rules, max_bytes, [](std::string_view) {});
  };
  for (const char* text : {"x = 1\n\ty\r\n", "naïve 中文 ß", "❤️ 👋🏽 🇩🇪🇫🇷", "e\u0301te\u0301", "क्षि 각"}) {
    CAPTURE(text);
    CHECK(shown(text).text == text);
    CHECK(shown(text).stop_reason == StopReason::kEnd);
  }
  CHECK(shown("a\u202Eb").text == "a");
  CHECK(shown("a\u202Eb").stop_reason == StopReason::kUnsafeText);
  CHECK(shown("ab\rc").text == "ab");
  CHECK(shown("ab\r").text == "ab");
  CHECK(shown("ab中", 5).text == "ab");
  CHECK(shown("ab中c", 6).text == "ab中c");
  CHECK(shown("a👨\u200D👩").text == "a");  // the joiner is invisible, and the man alone is not what was meant
}

TEST_CASE("what the guard let pass it never takes back, and it goes on where nothing is wrong") {
  CHECK(rc::check("random texts", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    engine::OutputGuard guard;
    std::string script;
    for (int i = 0; i < 8; ++i) append_piece(script, random);
    if (!is_valid_utf8(script)) return;
    std::size_t n_read = 0;
    std::size_t n_left = 0;
    for (const std::uint32_t point : points_of(script)) {
      std::string character;
      append(character, point);
      const auto ruling = guard.next(character, 1);
      ++n_read;
      RC_ASSERT(ruling.n_held <= n_read && n_read - ruling.n_held >= n_left);
      n_left = n_read - ruling.n_held;
      if (ruling.stop) break;
      if (point < 0x80 && point != '\r') RC_ASSERT(ruling.n_held == 0U);
    }
  }));
}

}  // namespace octet::tests

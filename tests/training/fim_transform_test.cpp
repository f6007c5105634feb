#include "tests/training/support/catch.h"

#include <rapidcheck.h>

#include "bytemodel/control_bytes.h"
#include "bytemodel/training/fim_transform.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;

constexpr char kFileChar = static_cast<char>(kFile);
constexpr char kSuffixChar = static_cast<char>(kSuffix);
constexpr char kPrefixChar = static_cast<char>(kPrefix);
constexpr char kEndChar = static_cast<char>(kEnd);

/// Lines of ASCII and of longer characters.
std::string draw_text() {
  static const char* const kPieces[] = {"a", "int x = 0;", "\n", "  ", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\x8D", "return;", "\n\n"};
  std::string text;
  for (int n = *rc::gen::inRange(1, 400); n > 0; --n) text += kPieces[*rc::gen::inRange(0, 9)];
  return text;
}

bool begins_character(const std::string& text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

}  // namespace

TEST_CASE("a middle sample puts the document's pieces together again") {
  CHECK(rc::check([] {
    const std::string text = draw_text();
    const SampleLimits limits{static_cast<std::size_t>(*rc::gen::inRange(128, 2000)), static_cast<std::size_t>(*rc::gen::inRange(0, 400))};
    Random random(1, static_cast<std::uint64_t>(*rc::gen::inRange(0, 1000000)));
    const std::string sample = middle_sample("package/src/file.c", text, limits, random);
    RC_ASSERT(sample.size() <= limits.max_bytes);
    RC_ASSERT(sample.starts_with(std::string(1, kFileChar) + "src/file.c\n"));
    RC_ASSERT(sample.back() == kEndChar);
    const std::size_t prefix_at = sample.find(kPrefixChar);
    const std::size_t suffix_at = sample.find(kSuffixChar);
    RC_ASSERT(prefix_at != std::string::npos);
    const std::string before = sample.substr(prefix_at + 1, sample.size() - prefix_at - 2);
    const std::string behind = suffix_at == std::string::npos ? "" : sample.substr(suffix_at + 1, prefix_at - suffix_at - 1);
    RC_ASSERT(behind.size() <= limits.max_suffix_bytes);
    // prefix + middle + suffix is a run of the document, cut between characters
    bool is_found = false;
    for (std::size_t at = text.find(before + behind); at != std::string::npos && !is_found; at = text.find(before + behind, at + 1)) {
      is_found = begins_character(text, at) && begins_character(text, at + before.size()) &&
                 begins_character(text, at + before.size() + behind.size());
    }
    RC_ASSERT(is_found);
  }));
}

TEST_CASE("a plain sample shows a document that fits whole, and a run of lines of a longer one") {
  CHECK(rc::check([] {
    const std::string text = draw_text();
    const SampleLimits limits{static_cast<std::size_t>(*rc::gen::inRange(128, 2000)), 0};
    Random random(2, static_cast<std::uint64_t>(*rc::gen::inRange(0, 1000000)));
    const std::string sample = plain_sample("file.py", text, limits, random);
    const std::string head = std::string(1, kFileChar) + "file.py\n" + kPrefixChar;
    RC_ASSERT(sample.size() <= limits.max_bytes);
    RC_ASSERT(sample.starts_with(head));
    std::string body = sample.substr(head.size());
    if (head.size() + text.size() + 1 <= limits.max_bytes) {
      RC_ASSERT(body == text + kEndChar);
    } else {
      if (body.ends_with(kEndChar)) {
        body.pop_back();
        RC_ASSERT(text.ends_with(body));
      }
      RC_ASSERT(text.find(body) != std::string::npos);
      RC_ASSERT(body.empty() || text.starts_with(body) || text.find("\n" + body) != std::string::npos);
    }
  }));
}

TEST_CASE("more middles end at a line's end than elsewhere") {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "some line of text with words in it\n";
  int n_at_line_end = 0;
  constexpr int kSamples = 1000;
  for (int i = 0; i < kSamples; ++i) {
    Random random(3, static_cast<std::uint64_t>(i));
    const std::string sample = middle_sample("a", text, {1000, 400}, random);
    const std::size_t suffix = sample.find(kSuffixChar);
    n_at_line_end += suffix == std::string::npos || sample[suffix + 1] == '\n' ? 1 : 0;
  }
  CHECK(n_at_line_end > kSamples / 2);
}

TEST_CASE("paths are cut to their last two components") {
  CHECK(short_path("a/b/c/d.h") == "c/d.h");
  CHECK(short_path("c/d.h") == "c/d.h");
  CHECK(short_path("d.h") == "d.h");
  CHECK(short_path("/d.h") == "/d.h");
  CHECK(short_path(std::string(200, 'x')).size() == 80);
}

}  // namespace octet::tests

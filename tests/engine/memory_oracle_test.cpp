// The memory's data structures against plain searches over the same text.
#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/memory/document_memory.h"
#include "engine/memory/growing_text.h"
#include "engine/memory/matches.h"
#include "engine/memory/text_segment.h"
#include "engine/memory/workspace_corpus.h"

namespace octet::tests {
namespace {

using engine::ContextKind;
using engine::Place;
using engine::SegmentFile;
using engine::TextSegment;

constexpr std::array kAllKinds{ContextKind::kBytes4, ContextKind::kWord, ContextKind::kBytes3, ContextKind::kBytes2, ContextKind::kPhrase};

/// Few words and few separators, so that contexts repeat; now and then a byte that no word has.
std::string random_code(std::mt19937& random, std::size_t n_bytes) {
  const char* const words[] = {"get", "set", "value", "va", "x", "the_long_identifier", "r\xC3\xA9sum\xC3\xA9", "0", "if", "return"};
  const char* const gaps[] = {" ", "  ", "(", ", ", ".", "\n", "\n    ", " = "};
  std::string text;
  while (text.size() < n_bytes) {
    text += words[random() % std::size(words)];
    text += gaps[random() % std::size(gaps)];
  }
  return text;
}

SegmentFile file(std::string path, std::string text) { return {std::move(path), std::make_shared<const std::string>(std::move(text))}; }

std::shared_ptr<const engine::WorkspaceSnapshot> snapshot_of(const std::vector<std::vector<SegmentFile>>& parts) {
  auto snapshot = std::make_shared<engine::WorkspaceSnapshot>();
  for (const auto& files : parts) snapshot->parts.push_back({std::make_shared<const TextSegment>(files), std::vector<bool>(files.size())});
  return snapshot;
}

}  // namespace

TEST_CASE("a segment finds every place of a context and no other") {
  std::mt19937 random(5);
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<SegmentFile> files;
    for (std::size_t i = 0; i < 1 + random() % 5; ++i)
      files.push_back(file(std::string("f").append(std::to_string(i)), random_code(random, random() % 700)));
    const TextSegment segment(files);
    const std::string_view text = segment.text();
    for (const ContextKind kind : engine::kSegmentKinds) {
      for (int query = 0; query < 60; ++query) {
        const std::size_t at = random() % text.size();
        const auto hash = engine::context_hash(kind, text, at);
        if (!hash) continue;
        std::vector<std::uint32_t> expected;
        for (std::size_t i = 0; i < text.size(); ++i) {
          if (text[i] != '\0' && engine::context_hash(kind, text, i) == hash) expected.push_back(static_cast<std::uint32_t>(i));
        }
        const auto places = segment.places(kind, *hash);
        std::vector<std::uint32_t> found(places.begin(), places.end());
        REQUIRE(std::is_sorted(found.begin(), found.end()));
        if (found.size() <= 16) std::erase_if(found, [&](std::uint32_t i) { return engine::context_hash(kind, text, i) != hash; });
        REQUIRE(found == expected);
      }
    }
    for (int query = 0; query < 50; ++query) {
      const std::size_t at = random() % text.size();
      std::size_t expected = 0;
      for (std::size_t i = 0, begin = 0; i < files.size(); begin += files[i].text->size() + 1, ++i) {
        if (at >= begin) expected = i;
      }
      REQUIRE(segment.file_at(at) == expected);
    }
  }
}

TEST_CASE("a text that grew and shrank finds what one that was built afresh finds") {
  std::mt19937 random(6);
  engine::DocumentCorpus edited;
  std::string text;
  std::vector<Place> found;
  std::vector<Place> expected;
  for (int edit = 0; edit < 400; ++edit) {
    const std::size_t keep = random() % 3 == 0 ? random() % (text.size() + 1) : text.size();
    text = text.substr(0, keep) + random_code(random, random() % 40);
    edited.growing().assign(text);
    if (edit % 10 != 0) continue;
    engine::DocumentCorpus fresh;
    fresh.growing().assign(text);
    for (int query = 0; query < 40; ++query) {
      const std::size_t at = random() % (text.size() + 1);
      for (const ContextKind kind : kAllKinds) {
        edited.find(kind, std::string_view(text).substr(0, at), 12, found);
        fresh.find(kind, std::string_view(text).substr(0, at), 12, expected);
        REQUIRE(found == expected);
        // And those are the last places of that context.
        std::size_t n = 0;
        for (std::size_t i = text.size(); i-- > 0 && n < found.size();) {
          const auto hash = engine::context_hash(kind, text, i);
          if (hash && hash == engine::context_hash(kind, text, at)) REQUIRE(found[n++].position == i);
        }
        REQUIRE(n == found.size());
      }
    }
  }
}

TEST_CASE("the workspace shows the newest places first and never the document's own file or one that is gone") {
  std::mt19937 random(7);
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<std::vector<SegmentFile>> parts(1 + random() % 4);
    int n = 0;
    for (auto& files : parts) {
      for (std::size_t i = 0; i < 1 + random() % 4; ++i, ++n) files.push_back(file("dir/f" + std::to_string(n), random_code(random, 300)));
    }
    const auto snapshot = std::make_shared<engine::WorkspaceSnapshot>(*snapshot_of(parts));
    for (auto& part : snapshot->parts) {
      for (std::size_t i = 0; i < part.is_gone.size(); ++i) part.is_gone[i] = random() % 4 == 0;
    }
    const std::string own = "dir/f" + std::to_string(random() % static_cast<std::size_t>(n));
    const engine::WorkspaceCorpus corpus(snapshot, own);
    std::vector<Place> found;
    for (int query = 0; query < 50; ++query) {
      const auto& some = *parts[random() % parts.size()][0].text;
      const std::string_view context = std::string_view(some).substr(0, random() % some.size());
      const std::size_t limit = 1 + random() % 20;
      corpus.find(ContextKind::kBytes4, context, limit, found);
      std::vector<Place> expected;
      for (std::uint32_t p = 0; p < parts.size(); ++p) {
        const TextSegment& segment = *snapshot->parts[p].segment;
        for (std::size_t i = segment.text().size(); i-- > 0;) {
          const std::size_t f = segment.file_at(i);
          const bool is_hidden = snapshot->parts[p].is_gone[f] || segment.path(f) == own || segment.text()[i] == '\0';
          if (!is_hidden && engine::match_length(segment.text(), i, context, context.size()) >= engine::kMinMatch) {
            expected.push_back({p, static_cast<std::uint32_t>(i)});
          }
        }
      }
      if (expected.size() > limit) expected.resize(limit);
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("longest matches are as long as they say, in order, and the longest of all where they began among the newest") {
  std::mt19937 random(8);
  for (int trial = 0; trial < 10; ++trial) {
    const auto snapshot = snapshot_of({{file("a", random_code(random, 4000)), file("b", random_code(random, 4000))}});
    const engine::WorkspaceCorpus corpus(snapshot, "c");
    const std::string_view text = corpus.text(0);
    engine::LongestMatches longest;
    std::string typed;
    const std::string copied(text.substr(random() % 2000, 300));
    for (const char byte : random_code(random, 100) + copied) {
      if (byte == '\0') continue;
      typed.push_back(byte);
      longest.advance(corpus, typed);
      const auto matches = longest.matches();
      REQUIRE(matches.size() <= engine::LongestMatches::kMost);
      for (std::size_t i = 0; i < matches.size(); ++i) {
        REQUIRE(matches[i].length >= engine::kMinMatch);
        REQUIRE(matches[i].length == engine::match_length(text, matches[i].place.position, typed, typed.size()));
        REQUIRE(text[matches[i].place.position] != '\0');
        if (i > 0) REQUIRE(matches[i - 1].place.is_newer_than(matches[i].place));
      }
    }
    // Inside the copy only one place, or those equal to it, can be followed for so long.
    std::size_t best = 0;
    for (const auto& match : longest.matches()) best = std::max<std::size_t>(best, match.length);
    CHECK(best == engine::kMaxMatch);
  }
}

TEST_CASE("behind a word that was changed the copy is followed on") {
  const std::string original = "for (auto item : first_list) {\n  total += item.price * item.count;\n}\n";
  const auto snapshot = snapshot_of({{file("a.cpp", original)}});
  const engine::WorkspaceCorpus corpus(snapshot, "b.cpp");
  engine::LongestMatches longest;
  engine::AlignedMatches aligned;
  std::string typed;
  for (const char byte : std::string("for (auto item : other)")) {
    typed.push_back(byte);
    longest.advance(corpus, typed);
    aligned.advance(corpus, byte, longest.broken());
  }
  REQUIRE(longest.matches().empty());  // nothing of four bytes ends like this
  REQUIRE_FALSE(aligned.alignments().empty());
  const auto& best = aligned.alignments()[0];
  CHECK_FALSE(best.is_waiting);
  CHECK(corpus.text(0).substr(best.place.position, 3) == " {\n");
  CHECK(best.score() >= 17);  // "for (auto item : " and the bracket
}

TEST_CASE("the state at a cursor does not depend on what was asked before") {
  std::mt19937 random(9);
  const auto snapshot = snapshot_of({{file("a.py", random_code(random, 3000))}, {file("b.py", random_code(random, 3000))}});
  const std::string first = random_code(random, 5000).substr(0, 5000);
  engine::DocumentMemory used;
  std::size_t cursor = 0;
  for (int request = 0; request < 120; ++request) {
    // Every other request finds other words of the same number of bytes behind the same cursor.
    std::string text = first;
    if (request % 2 == 0) {
      cursor = random() % text.size();
    } else {
      const std::string behind = text.substr(cursor);
      for (std::size_t i = 0; i < behind.size(); ++i) {
        if (behind[i] != '\n') text[cursor + i] = behind[i] == 'e' ? 'a' : behind[i] == ' ' ? ' ' : 'e';
      }
    }
    engine::DocumentMemory fresh;
    engine::MemoryState a = used.at(text, cursor, "c.py", snapshot);
    engine::MemoryState b = fresh.at(text, cursor, "c.py", snapshot);
    const engine::Evidence& x = a.evidence();
    const engine::Evidence& y = b.evidence();
    REQUIRE(x.n_bytes == y.n_bytes);
    REQUIRE(x.bytes == y.bytes);
    for (std::size_t source = 0; source < engine::kSources; ++source) {
      REQUIRE(x.of_source[source].longest == y.of_source[source].longest);
      REQUIRE(x.of_source[source].n == y.of_source[source].n);
      REQUIRE(x.of_source[source].kind == y.of_source[source].kind);
      REQUIRE(x.of_source[source].aligned == y.of_source[source].aligned);
      REQUIRE(x.hits[source].recent == y.hits[source].recent);
      REQUIRE(x.hits[source].n_misses == y.hits[source].n_misses);
    }
  }
}

}  // namespace octet::tests

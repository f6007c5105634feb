// What stands before a place in a text, as the memory looks it up.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace octet::engine {

/// The parts of a context that are looked up. Each has lists of the places where it occurs.
enum class ContextKind : std::uint8_t {
  kBytes4,  // the last four bytes: the start of every longer match
  kWord,    // the word so far, from its first byte on
  kBytes3,
  kBytes2,
  kPhrase,  // the word before and the word so far, whatever stands between them
};
inline constexpr std::size_t kContextKinds = 5;

/// A match is at least the bytes of kBytes4 and is not followed further than this.
inline constexpr std::size_t kMinMatch = 4;
inline constexpr std::size_t kMaxMatch = 48;

/// Letters, digits, '_', and everything above ASCII: identifiers may have it.
constexpr bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

namespace context_details {

inline constexpr std::size_t kMaxWordPrefix = 5;  // longer ones are matches of their own
inline constexpr std::size_t kMaxWord = 24;
inline constexpr std::size_t kMaxGap = 24;

constexpr std::uint64_t mix(std::uint64_t hash, char byte) { return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3; }
constexpr std::uint32_t finish(std::uint64_t hash) { return static_cast<std::uint32_t>((hash * 0x9E3779B97F4A7C15) >> 32); }

/// Where the word that reaches `end` starts, looking at most `limit` bytes back.
constexpr std::size_t word_start(std::string_view text, std::size_t end, std::size_t limit) {
  std::size_t start = end;
  while (start > 0 && end - start < limit && is_word_byte(text[start - 1])) --start;
  return start;
}

}  // namespace context_details

/// A hash of the context of `kind` before text[position]; nothing where there is none (too near to the start, no word).
constexpr std::optional<std::uint32_t> context_hash(ContextKind kind, std::string_view text, std::size_t position) {
  using namespace context_details;
  std::uint64_t hash = 0xCBF29CE484222325 + static_cast<std::uint64_t>(kind);
  const auto add = [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) hash = mix(hash, text[i]);
  };
  const auto last_bytes = [&](std::size_t n) -> std::optional<std::uint32_t> {
    if (position < n) return std::nullopt;
    add(position - n, position);
    return finish(hash);
  };
  switch (kind) {
    case ContextKind::kBytes4: return last_bytes(4);
    case ContextKind::kBytes3: return last_bytes(3);
    case ContextKind::kBytes2: return last_bytes(2);
    case ContextKind::kWord: {
      const std::size_t start = word_start(text, position, kMaxWordPrefix + 1);
      if (start == position || position - start > kMaxWordPrefix) return std::nullopt;
      add(start, position);
      return finish(hash);
    }
    case ContextKind::kPhrase: {
      const std::size_t start = word_start(text, position, kMaxWordPrefix + 1);
      if (position - start > kMaxWordPrefix) return std::nullopt;
      std::size_t end = start;
      while (end > 0 && start - end < kMaxGap && !is_word_byte(text[end - 1])) --end;
      const std::size_t before = word_start(text, end, kMaxWord);
      if (before == end) return std::nullopt;
      add(before, end);
      hash = mix(hash, ' ');
      add(start, position);
      return finish(hash);
    }
  }
  return std::nullopt;
}

/// Whether the context of `kind` before a[i] is the one before b[j], whose hash this is; of a phrase the hashes are compared.
constexpr bool has_same_context(ContextKind kind, std::string_view a, std::size_t i, std::string_view b, std::size_t j,
                                std::uint32_t hash) {
  const auto same_bytes = [&](std::size_t n) { return i >= n && a.substr(i - n, n) == b.substr(j - n, n); };
  switch (kind) {
    case ContextKind::kBytes4: return same_bytes(4);
    case ContextKind::kBytes3: return same_bytes(3);
    case ContextKind::kBytes2: return same_bytes(2);
    case ContextKind::kWord: {
      const std::size_t n = j - context_details::word_start(b, j, context_details::kMaxWordPrefix + 1);
      return same_bytes(n) && (i == n || !is_word_byte(a[i - n - 1]));
    }
    case ContextKind::kPhrase: return context_hash(kind, a, i) == hash;
  }
  return false;
}

/// How many bytes before a[i] and b[j] are the same, at most kMaxMatch.
constexpr std::size_t match_length(std::string_view a, std::size_t i, std::string_view b, std::size_t j) {
  const std::size_t most = std::min({i, j, kMaxMatch});
  std::size_t n = 0;
  while (n < most && a[i - 1 - n] == b[j - 1 - n]) ++n;
  return n;
}

}  // namespace octet::engine

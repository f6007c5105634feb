// Which row of a hashed n-gram table belongs to a position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace octet::bytemodel {

/// Row of the order-`order` table for the last byte of `history`: 32-bit FNV-1a over the last `order` bytes, oldest
/// first, each shifted by one so that 0 stands for a position before the start.
/// `n_rows` must be a power of two. Source: FORMAT.md, "Forward", step 1.
constexpr std::uint32_t ngram_index(std::span<const std::uint8_t> history, int order, std::uint32_t n_rows) {
  std::uint32_t hash = 2166136261U ^ static_cast<std::uint32_t>(order);
  for (int back = order; back > 0; --back) {
    const auto distance = static_cast<std::size_t>(back);
    const std::uint32_t value = distance <= history.size() ? history[history.size() - distance] + 1U : 0U;
    hash = (hash ^ value) * 16777619U;
  }
  hash ^= hash >> 16;
  return hash & (n_rows - 1);
}

/// The end of `bytes` that tables of these orders read for the last byte: at least that byte.
inline std::span<const std::uint8_t> ngram_tail(std::span<const std::uint8_t> bytes, std::span<const int> orders) {
  int longest = 1;
  for (const int order : orders) longest = order > longest ? order : longest;
  return bytes.last(bytes.size() < static_cast<std::size_t>(longest) ? bytes.size() : static_cast<std::size_t>(longest));
}

}  // namespace octet::bytemodel

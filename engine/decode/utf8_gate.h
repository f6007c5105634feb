// Keeps decoding inside well-formed UTF-8: which bytes may come next, and which bytes make a whole character.
// Source: The Unicode Standard, table 3-7 (well-formed byte sequences).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet::engine {

using ByteMask = std::array<bool, 256>;

/// Where a byte sequence stands inside a character. A value.
class Utf8State {
 public:
  bool at_boundary() const { return n_missing_ == 0; }

  /// At a boundary: the bytes that begin a character, and kEnd. Inside one: the bytes that continue it. No other control
  /// symbol is ever allowed.
  const ByteMask& allowed() const;

  /// CHECKs that `byte` is allowed.
  void advance(std::uint8_t byte);

 private:
  std::uint8_t n_missing_ = 0;
  std::uint8_t lowest_ = 0x80;  // range of the next byte, inside a character
  std::uint8_t highest_ = 0xBF;
};

/// Collects bytes and lets only whole characters out.
class Utf8Gate {
 public:
  /// Takes a byte that Utf8State allows. Returns the character that it completes, valid until the next call, or nothing.
  std::string_view push(std::uint8_t byte);

 private:
  Utf8State state_;
  std::array<char, 4> pending_{};
  std::size_t n_pending_ = 0;
};

}  // namespace octet::engine

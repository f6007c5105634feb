// Which bytes keep a text well formed, as values for the device.
// Source: The Unicode Standard, table 3-7 (well-formed byte sequences).
#pragma once

#include "kernels/cuda/layout.h"

namespace octet::kernels::cuda {

/// Where a byte sequence stands inside a character.
struct Utf8 {
  int n_missing = 0;
  int lowest = 0x80;  // range of the next byte, inside a character
  int highest = 0xBF;

  constexpr bool allows(int byte, int end_byte) const {
    if (n_missing > 0) return lowest <= byte && byte <= highest;
    return byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4) || byte == end_byte;
  }

  /// A byte that is not allowed begins anew.
  constexpr void advance(int byte) {
    if (n_missing > 0 && lowest <= byte && byte <= highest) {
      --n_missing;
      lowest = 0x80;
      highest = 0xBF;
      return;
    }
    const bool begins = byte >= 0xC2 && byte <= 0xF4;
    n_missing = !begins ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    lowest = begins && byte == 0xE0 ? 0xA0 : begins && byte == 0xF0 ? 0x90 : 0x80;
    highest = begins && byte == 0xED ? 0x9F : begins && byte == 0xF4 ? 0x8F : 0xBF;
  }
};

/// After a row's byte: a character has at most four.
constexpr Utf8 utf8_after(const Row& row) {
  Utf8 state;
  for (int i = kMaxTail - 4; i < kMaxTail; ++i) {
    if (row.tail[i] > 0) state.advance(row.tail[i] - 1);
  }
  return state;
}

}  // namespace octet::kernels::cuda

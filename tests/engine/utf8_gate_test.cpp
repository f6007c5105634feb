// The UTF-8 gate against an independent decoder.
#include <functional>
#include <random>
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "bytemodel/control_bytes.h"
#include "engine/decode/utf8_gate.h"
#include "tests/support/utf8.h"

namespace octet::tests {

using engine::Utf8Gate;
using engine::Utf8State;

namespace {

/// Every sequence of up to four bytes that the state allows and that ends at a boundary, depth first.
void visit(const Utf8State& state, std::string& bytes, const std::function<void(const std::string&)>& whole) {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte == kEnd || !state.allowed()[static_cast<std::size_t>(byte)]) continue;
    Utf8State next = state;
    next.advance(static_cast<std::uint8_t>(byte));
    bytes.push_back(static_cast<char>(byte));
    if (next.at_boundary()) {
      whole(bytes);
    } else {
      visit(next, bytes, whole);
    }
    bytes.pop_back();
  }
}

}  // namespace

TEST_CASE("the gate allows exactly the 1,112,064 characters of Unicode") {
  std::size_t n_characters = 0;
  std::size_t n_invalid = 0;
  std::string bytes;
  visit(Utf8State(), bytes, [&](const std::string& character) {
    ++n_characters;
    n_invalid += is_valid_utf8(character) ? 0 : 1;
  });
  CHECK(n_characters == 0x110000 - 0x800);
  CHECK(n_invalid == 0);
}

TEST_CASE("no control symbol but the end is ever allowed, and the end only between characters") {
  Utf8State inside;
  inside.advance(0xE4);
  for (const std::uint8_t symbol : {kPad, kFile, kSuffix, kPrefix}) {
    CHECK_FALSE(Utf8State().allowed()[symbol]);
    CHECK_FALSE(inside.allowed()[symbol]);
  }
  CHECK(Utf8State().allowed()[kEnd]);
  CHECK_FALSE(inside.allowed()[kEnd]);
}

TEST_CASE("the gate lets whole characters out, all of them, in order") {
  CHECK(rc::check("random walks over allowed bytes", [](std::uint32_t seed) {
    std::mt19937 random(seed);
    Utf8State state;
    Utf8Gate gate;
    std::string in;
    std::string out;
    for (int i = 0; i < 200; ++i) {
      const auto byte = static_cast<std::uint8_t>(random());
      if (byte == kEnd || !state.allowed()[byte]) continue;
      state.advance(byte);
      in.push_back(static_cast<char>(byte));
      out += gate.push(byte);
      RC_ASSERT(is_valid_utf8(out));
      if (state.at_boundary()) RC_ASSERT(out == in);
    }
  }));
}

}  // namespace octet::tests

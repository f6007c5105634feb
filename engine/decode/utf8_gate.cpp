#include "engine/decode/utf8_gate.h"

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::engine {
namespace {

constexpr ByteMask range_mask(std::size_t lowest, std::size_t highest) {
  ByteMask mask{};
  for (std::size_t byte = lowest; byte <= highest; ++byte) mask[byte] = true;
  return mask;
}

constexpr ByteMask boundary_mask() {
  ByteMask mask = range_mask(0x00, 0x7F);
  for (std::size_t byte = 0xC2; byte <= 0xF4; ++byte) mask[byte] = true;
  mask[kEnd] = true;
  return mask;
}

constexpr ByteMask kBoundary = boundary_mask();
constexpr ByteMask kContinuation = range_mask(0x80, 0xBF);
constexpr ByteMask kAfterE0 = range_mask(0xA0, 0xBF);  // below: overlong
constexpr ByteMask kAfterED = range_mask(0x80, 0x9F);  // above: surrogates
constexpr ByteMask kAfterF0 = range_mask(0x90, 0xBF);  // below: overlong
constexpr ByteMask kAfterF4 = range_mask(0x80, 0x8F);  // above: beyond U+10FFFF

}  // namespace

const ByteMask& Utf8State::allowed() const {
  if (n_missing_ == 0) return kBoundary;
  if (lowest_ == 0xA0) return kAfterE0;
  if (lowest_ == 0x90) return kAfterF0;
  if (highest_ == 0x9F) return kAfterED;
  if (highest_ == 0x8F) return kAfterF4;
  return kContinuation;
}

void Utf8State::advance(std::uint8_t byte) {
  OCTET_CHECK(allowed()[byte]);
  if (n_missing_ > 0) {
    --n_missing_;
    lowest_ = 0x80;
    highest_ = 0xBF;
    return;
  }
  if (byte == kEnd || byte < 0x80) return;
  n_missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
  lowest_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
  highest_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
}

std::string_view Utf8Gate::push(std::uint8_t byte) {
  state_.advance(byte);
  pending_[n_pending_++] = static_cast<char>(byte);
  if (!state_.at_boundary()) return {};
  const std::size_t n = n_pending_;
  n_pending_ = 0;
  return {pending_.data(), n};
}

}  // namespace octet::engine

// What the harnesses share: the bytes of an input as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace octet::tests {

inline std::string_view as_text(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

}  // namespace octet::tests

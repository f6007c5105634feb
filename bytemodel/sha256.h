// SHA-256 of bytes that arrive in pieces. Allocates nothing and cannot fail.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace octet::bytemodel {

/// One thread at a time.
class Sha256 {
 public:
  static constexpr std::size_t kBytes = 32;
  using Digest = std::array<unsigned char, kBytes>;

  Sha256();
  void add(std::string_view bytes);
  /// Of all that was added. Called once.
  Digest finish();

 private:
  alignas(8) std::array<std::byte, 112> state_;  // the library's, known in the .cpp alone
};

/// In lower-case hexadecimal.
std::string to_hex(const Sha256::Digest& digest);

}  // namespace octet::bytemodel

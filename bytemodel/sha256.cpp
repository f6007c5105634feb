// The functions of OpenSSL 1.1: its successors look the algorithm up at run time, which allocates, and crash inside the library where
// memory had run out when it was loaded.
#define OPENSSL_API_COMPAT 10100
#include "bytemodel/sha256.h"

#include <new>

#include <fmt/format.h>
#include <openssl/sha.h>

namespace octet::bytemodel {
namespace {

static_assert(sizeof(SHA256_CTX) <= 112 && alignof(SHA256_CTX) <= 8);

SHA256_CTX* as_context(std::array<std::byte, 112>& state) { return std::launder(reinterpret_cast<SHA256_CTX*>(state.data())); }

}  // namespace

Sha256::Sha256() { SHA256_Init(new (state_.data()) SHA256_CTX); }

void Sha256::add(std::string_view bytes) { SHA256_Update(as_context(state_), bytes.data(), bytes.size()); }

Sha256::Digest Sha256::finish() {
  Digest digest{};
  SHA256_Final(digest.data(), as_context(state_));
  return digest;
}

std::string to_hex(const Sha256::Digest& digest) {
  std::string hex;
  for (const unsigned char byte : digest) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace octet::bytemodel

// Framing: a stream gives the same bodies and the same error however it is cut into pieces.
#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "bytemodel/check.h"
#include "lsp/message_framer.h"
#include "tests/fuzz/input.h"

namespace {

using octet::ErrorCode;
using octet::lsp::MessageFramer;

struct Outcome {
  std::vector<std::string> bodies;
  std::optional<ErrorCode> error;
  bool is_empty = true;

  bool operator==(const Outcome&) const = default;
};

/// Feeds `stream` as a transport does: `piece_bytes()` at a time, and nothing after an error.
template <class PieceBytes>
Outcome feed(std::string_view stream, PieceBytes piece_bytes) {
  MessageFramer framer;
  Outcome outcome;
  while (!stream.empty() && !outcome.error) {
    const std::size_t n = std::clamp<std::size_t>(piece_bytes(), 1, stream.size());
    framer.feed(stream.substr(0, n));
    stream.remove_prefix(n);
    for (;;) {
      auto body = framer.next();
      if (!body) {
        OCTET_CHECK(!body.error().message.empty());
        outcome.error = body.error().code;
        break;
      }
      if (!*body) break;
      OCTET_CHECK((*body)->size() <= octet::lsp::kMaxBodyBytes);
      outcome.bodies.push_back(std::move(**body));
    }
  }
  if (!outcome.error) outcome.is_empty = framer.is_empty();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream = octet::tests::as_text(data, size);
  const Outcome whole = feed(stream, [&] { return stream.size(); });
  OCTET_CHECK(feed(stream, [] { return 1; }) == whole);
  std::minstd_rand random(static_cast<unsigned>(std::hash<std::string_view>()(stream)));
  OCTET_CHECK(feed(stream, [&] { return random() % 40; }) == whole);
  return 0;
}

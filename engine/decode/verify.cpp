#include "engine/decode/verify.h"

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"

namespace octet::engine {

Verdict verify(const LogitsRows& rows, std::span<const std::uint8_t> draft, Utf8State state, ByteChooser& chooser) {
  OCTET_CHECK(rows.size() == draft.size() + 1);
  Verdict verdict;
  verdict.next = chooser.choose(rows[0], state.allowed());
  for (std::size_t i = 0; i < draft.size() && verdict.next && draft[i] == verdict.next->byte; ++i) {
    verdict.accepted.push_back(*verdict.next);
    if (draft[i] == kEnd) break;
    state.advance(draft[i]);
    chooser.advance(draft[i]);
    verdict.next = chooser.choose(rows[i + 1], state.allowed());
  }
  return verdict;
}

}  // namespace octet::engine

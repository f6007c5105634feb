#include "engine/decode/head_drafter.h"

#include <algorithm>

#include "bytemodel/control_bytes.h"
#include "engine/decode/sampler.h"

namespace octet::engine {

void HeadDrafter::propose(const DraftPoint& point, std::size_t max_bytes, std::vector<std::uint8_t>& draft) {
  draft.clear();
  const std::size_t n = std::min(max_bytes, static_cast<std::size_t>(runner_.config().n_predict - 1));
  if (n == 0) return;
  runner_.begin_draft(point.row, point.cache);
  Utf8State state = point.after_own;
  std::uint8_t previous = point.own;
  while (draft.size() < n && previous != kEnd) {
    const auto byte = choose_byte(runner_.next_draft(previous), state.allowed());
    if (!byte) return;
    state.advance(*byte);
    draft.push_back(*byte);
    previous = *byte;
  }
}

}  // namespace octet::engine

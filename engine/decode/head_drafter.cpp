#include "engine/decode/head_drafter.h"

#include <algorithm>

#include "bytemodel/control_bytes.h"
#include "engine/decode/sampler.h"

namespace octet::engine {

void HeadDrafter::propose(const DraftPoint& point, std::size_t max_bytes, Draft& draft) {
  draft.bytes.clear();
  draft.probabilities.clear();
  DraftLength length(costs_, point.n_sequences, std::min(max_bytes, static_cast<std::size_t>(runner_.config().n_predict - 1)));
  if (point.own == kEnd || !length.wants_more()) return;
  runner_.begin_draft(point.row, point.cache);
  Utf8State state = point.after_own;
  std::uint8_t previous = point.own;
  do {
    const auto choice = choose(runner_.next_draft(previous), state.allowed());
    if (!choice) break;
    length.add(acceptance_.estimate(draft.bytes.size(), choice->probability));
    state.advance(choice->byte);
    draft.bytes.push_back(choice->byte);
    draft.probabilities.push_back(choice->probability);
    previous = choice->byte;
  } while (previous != kEnd && length.wants_more());
  draft.bytes.resize(length.best());
  draft.probabilities.resize(length.best());
}

void HeadDrafter::observe(const Draft& draft, std::size_t n_accepted) {
  const std::size_t n_judged = std::min(n_accepted + 1, draft.probabilities.size());
  for (std::size_t i = 0; i < n_judged; ++i) acceptance_.record(i, draft.probabilities[i], i < n_accepted);
}

}  // namespace octet::engine

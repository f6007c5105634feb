#include "engine/decode/session.h"

#include <algorithm>

#include "bytemodel/check.h"

namespace octet::engine {

Session::Prefilled Session::prefill(std::span<const std::uint8_t> prompt, const Interrupt& interrupt) {
  OCTET_CHECK(!prompt.empty() && prompt.size() <= cache_->capacity());
  const auto held = cache_->bytes();
  const auto mismatch = std::mismatch(prompt.begin(), prompt.end(), held.begin(), held.end());
  const auto n_common = static_cast<std::size_t>(mismatch.first - prompt.begin());

  Prefilled result;
  result.n_reused = cache_->reusable(std::min(n_common, prompt.size() - 1));
  cache_->truncate(result.n_reused);
  while (cache_->length() < prompt.size()) {
    result.interrupted = interrupt.check();
    if (result.interrupted) return result;
    const auto rest = prompt.subspan(cache_->length());
    const auto chunk = rest.first(std::min({rest.size(), chunk_, runner_.max_prefill()}));
    last_logits_ = runner_.forward(chunk, *cache_, ModelRunner::Rows::kLast)[0];
    interrupt.count_step();
    result.n_computed += chunk.size();
    result.last_row = chunk.size() - 1;
  }
  return result;
}

}  // namespace octet::engine

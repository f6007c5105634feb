#include "engine/decode/step_costs.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "bytemodel/check.h"
#include "engine/decode/sampler.h"
#include "engine/decode/utf8_gate.h"
#include "engine/stage_times.h"

namespace octet::engine {
namespace {

constexpr std::size_t kTimedPositions = 16;
constexpr std::size_t kTimedContext = 192;  // the share of attention in a step grows with it, its course over m does not
constexpr int kTries = 3;

}  // namespace

double StepCosts::verify_ms(std::size_t n_positions) const {
  OCTET_CHECK(n_positions >= 1);
  const std::size_t n = verify_ms_.size();
  if (n_positions <= n) return verify_ms_[n_positions - 1];
  const double slope = n == 1 ? verify_ms_[0] : verify_ms_[n - 1] - verify_ms_[n - 2];
  return verify_ms_[n - 1] + slope * static_cast<double>(n_positions - n);
}

std::size_t StepCosts::positions_within(double ms, std::size_t most) const {
  std::size_t n = 1;
  while (n < most && verify_ms(n + 1) <= ms) ++n;
  return n;
}

std::size_t StepCosts::chunk_within(double ms, std::size_t most) const {
  for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
    if (chunk->ms <= ms) return chunk->n_positions;
  }
  return positions_within(ms, most);
}

StepCosts measure_step_costs(ModelRunner& runner) {
  const auto cache = runner.new_cache();
  runner.wake();
  const std::size_t batch = runner.max_batch();
  std::vector<std::uint8_t> text(std::max(kTimedContext, runner.max_prefill()));
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<std::uint8_t>('a' + i * i % 26);
  const std::size_t context = std::min(kTimedContext, cache->capacity() - batch);
  const auto prefill = [&](std::size_t n) {
    const Stopwatch stopwatch;
    runner.forward(std::span(text).first(n), *cache, ModelRunner::Rows::kLast);
    return stopwatch.elapsed_ms();
  };
  std::vector<StepCosts::Chunk> chunks;
  if (runner.max_prefill() > batch) {
    // The first time a GPU does a thing is not like the others.
    prefill(runner.max_prefill());
    cache->truncate(0);
    const double ms = prefill(runner.max_prefill());
    cache->truncate(0);
    chunks.push_back({runner.max_prefill(), ms});
  }
  double batch_ms = std::numeric_limits<double>::infinity();
  while (cache->length() + batch <= context) batch_ms = std::min(batch_ms, prefill(batch));
  if (cache->length() > 0) chunks.insert(chunks.begin(), {batch, batch_ms});
  if (cache->length() < context) prefill(context - cache->length());

  // Only 1, 2, 4, ... are timed; those between lie on lines. Other programs only ever make a step slower: the fastest counts.
  const std::size_t most = std::min(kTimedPositions, runner.max_batch());
  std::vector<double> verify_ms(most, std::numeric_limits<double>::infinity());
  double draft_ms = std::numeric_limits<double>::infinity();
  const std::size_t n_drafts = std::min<std::size_t>(3, static_cast<std::size_t>(runner.config().n_predict - 1));
  for (int i = 0; i < kTries; ++i) {
    for (std::size_t m = 1; m <= most; m *= 2) {
      const Stopwatch stopwatch;
      runner.forward(std::span(text).first(m), *cache, ModelRunner::Rows::kAll);
      verify_ms[m - 1] = std::min(verify_ms[m - 1], stopwatch.elapsed_ms());
      cache->truncate(context);
    }
    if (n_drafts == 0) continue;
    // The bytes that the rows say: a runner may have computed on with them already.
    LogitsRow row = runner.forward(std::span(text).first(1), *cache, ModelRunner::Rows::kAll)[0];
    Utf8State state;
    const Stopwatch stopwatch;
    runner.begin_draft(0, *cache);
    for (std::size_t j = 0; j < n_drafts; ++j) {
      const auto byte = choose_byte(row, state.allowed());
      if (byte) state.advance(*byte);
      row = runner.next_draft(byte.value_or('a'));
    }
    draft_ms = std::min(draft_ms, stopwatch.elapsed_ms() / static_cast<double>(n_drafts));
    cache->truncate(context);
  }
  runner.rest();
  std::size_t timed = 1;
  for (; timed * 2 <= most; timed *= 2) {
    for (std::size_t m = timed + 1; m < 2 * timed; ++m) {
      const double share = static_cast<double>(m - timed) / static_cast<double>(timed);
      verify_ms[m - 1] = verify_ms[timed - 1] * (1 - share) + verify_ms[2 * timed - 1] * share;
    }
  }
  verify_ms.resize(timed);
  return {std::move(verify_ms), n_drafts == 0 ? 0 : draft_ms, std::move(chunks)};
}

}  // namespace octet::engine

#include "engine/decode/head_drafter.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "bytemodel/control_bytes.h"
#include "engine/decode/sampler.h"

namespace octet::engine {
namespace {

// A guess that is right so often is not worth a head's time.
constexpr double kSure = 0.9;

/// The draft heads behind one row, computed as far as they are asked for.
class Heads {
 public:
  Heads(ModelRunner& runner, const DraftPoint& point) : runner_(runner), point_(point) {}

  std::size_t n_computed() const { return n_computed_; }
  /// The row of the head for `draft`'s next byte.
  LogitsRow row_behind(const Draft& draft) {
    if (n_computed_ == 0) runner_.begin_draft(point_.row, point_.cache);
    std::optional<LogitsRow> row;
    for (; n_computed_ <= draft.bytes.size(); ++n_computed_) {
      row = runner_.next_draft(n_computed_ == 0 ? point_.own : draft.bytes[n_computed_ - 1]);
    }
    return *row;
  }

 private:
  ModelRunner& runner_;
  const DraftPoint& point_;
  std::size_t n_computed_ = 0;
};

}  // namespace

void HeadDrafter::propose(const DraftPoint& point, std::size_t max_bytes, Draft& draft) {
  draft = {};
  const auto n_heads = static_cast<std::size_t>(runner_.config().n_predict - 1);
  DraftLength length(costs_, point.n_sequences, std::min(max_bytes, kMaxDraft));
  if (point.own == kEnd || !length.wants_more(0)) return;
  const std::unique_ptr<ByteChooser> ahead = point.chooser.look_ahead();
  Heads heads(runner_, point);
  Utf8State state = point.after_own;
  do {
    const std::size_t place = draft.bytes.size();
    std::optional<Choice> choice = ahead->guess(state.allowed());
    double acceptance = choice ? of_guesses_.estimate(place, choice->probability) : 0;
    double draft_ms = static_cast<double>(place + 1 - std::min(heads.n_computed(), place + 1)) * costs_.draft_ms();
    const bool is_guess = place >= n_heads || acceptance >= kSure || !length.wants_more(draft_ms);
    if (is_guess) {
      draft_ms = 0;
    } else {
      choice = ahead->choose(heads.row_behind(draft), state.allowed());
      acceptance = choice ? of_heads_.estimate(place, choice->probability) : 0;
    }
    if (!choice) break;
    length.add(acceptance, draft_ms);
    state.advance(choice->byte);
    ahead->advance(choice->byte);
    draft.bytes.push_back(choice->byte);
    draft.probabilities.push_back(choice->probability);
    draft.is_guess.push_back(is_guess);
  } while (draft.bytes.back() != kEnd && length.wants_more(0));
  draft.bytes.resize(length.best());
  draft.probabilities.resize(length.best());
  draft.is_guess.resize(length.best());
}

void HeadDrafter::observe(const Draft& draft, std::size_t n_accepted) {
  const std::size_t n_judged = std::min(n_accepted + 1, draft.probabilities.size());
  for (std::size_t i = 0; i < n_judged; ++i) {
    (draft.is_guess[i] ? of_guesses_ : of_heads_).record(i, draft.probabilities[i], i < n_accepted);
  }
}

}  // namespace octet::engine

#include "bytemodel/training/generate.h"

#include <algorithm>
#include <memory>

#include "bytemodel/check.h"
#include "bytemodel/control_bytes.h"
#include "bytemodel/training/draft_cell.h"
#include "kernels/training/training_kernels.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;

constexpr int kTailBytes = 64;  // longer than any n-gram, and prompts are longer still

/// The sequences side by side, filled up with kPad to a length that the fused attention takes: what stands behind a
/// position does not change it.
Tensor as_batch(const std::vector<std::string>& sequences, int max_context) {
  std::size_t longest = 0;
  for (const std::string& sequence : sequences) longest = std::max(longest, sequence.size());
  constexpr std::size_t kBlock = kernels::kAttentionBlock;
  const std::size_t width = std::min((longest + kBlock - 1) / kBlock * kBlock, static_cast<std::size_t>(max_context));
  Tensor x =
      torch::full({static_cast<std::int64_t>(sequences.size()), static_cast<std::int64_t>(width)}, static_cast<int>(kPad), torch::kUInt8);
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    std::copy(sequences[i].begin(), sequences[i].end(), x.data_ptr<std::uint8_t>() + i * width);
  }
  return x;
}

Tensor best_classes(const Tensor& logits) { return logits.argmax(-1).to(torch::kCPU); }

/// Bytes 1..n_predict behind each row's sequence; `h` holds the states of all positions, `last` the index of each row's last.
std::vector<std::string> draft(const Network& network, const Tensor& h, const Tensor& last, const std::vector<std::string>& sequences,
                               std::int64_t n_positions, bool use_cell) {
  const int n_predict = network.config().n_predict;
  const bool is_linear = network.config().head_kind == HeadKind::kLinear;
  const Tensor shared = is_linear ? network.head_input(h, 0, n_positions).index_select(0, last) : Tensor();
  std::vector<std::string> longer = sequences;
  std::vector<std::string> drafts(sequences.size());
  std::unique_ptr<DraftCell> cell;
  if (use_cell && is_linear && network.config().cell_dim > 0) cell = std::make_unique<DraftCell>(network, shared);
  for (int head = 0; head < n_predict; ++head) {
    const Tensor state = is_linear ? shared : network.head_input(h, head, n_positions).index_select(0, last);
    Tensor logits = torch::linear(state, network.parameter("unembed")[head]);
    if (cell && head > 0) {
      std::vector<std::string> tails;
      for (const std::string& sequence : longer) tails.push_back(sequence.substr(sequence.size() - kTailBytes));
      const Tensor e = network.input_vectors(as_batch(tails, kTailBytes)).view({static_cast<std::int64_t>(tails.size()), kTailBytes, -1});
      logits = logits + cell->advance(e.select(1, kTailBytes - 1));
    }
    const Tensor best = best_classes(logits);
    for (std::size_t row = 0; row < sequences.size(); ++row) {
      const auto byte = static_cast<char>(best.data_ptr<std::int64_t>()[row]);
      longer[row] += byte;
      drafts[row] += byte;
    }
  }
  return drafts;
}

}  // namespace

std::vector<Generated> generate(const Network& network, std::span<const std::string> prompts, int n_bytes, bool use_cell) {
  const torch::NoGradGuard no_gradients;
  const auto limit = static_cast<std::size_t>(n_bytes);
  const int n_predict = network.config().n_predict;
  const std::size_t prompt_bytes = prompts.empty() ? 0 : prompts.front().size();
  OCTET_CHECK(prompts.empty() || prompt_bytes >= kTailBytes);
  OCTET_CHECK(prompt_bytes + limit + static_cast<std::size_t>(n_predict) <= static_cast<std::size_t>(network.config().max_context));
  std::vector<Generated> out(prompts.size());
  std::vector<std::string> drafts(prompts.size());
  const auto is_over = [limit](const Generated& g) {
    return g.text.size() >= limit || (!g.text.empty() && static_cast<std::uint8_t>(g.text.back()) == kEnd);
  };
  for (bool is_first = true;; is_first = false) {
    std::vector<std::size_t> open;
    std::vector<std::string> sequences;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      if (is_over(out[i])) continue;
      open.push_back(i);
      sequences.push_back(prompts[i] + out[i].text + drafts[i]);
    }
    if (open.empty()) return out;
    const Tensor x = as_batch(sequences, network.config().max_context);
    const Tensor h = network.trunk(x);
    const Tensor own =
        best_classes(torch::linear(network.head_input(h, 0, x.size(1)), network.parameter("unembed")[0])).view({-1, x.size(1)});
    std::vector<std::int64_t> last;
    std::vector<std::string> confirmed;
    for (std::size_t row = 0; row < open.size(); ++row) {
      Generated& g = out[open[row]];
      const std::string& proposal = drafts[open[row]];
      const std::int64_t* best = own.data_ptr<std::int64_t>() + static_cast<std::int64_t>(row) * x.size(1);
      for (const char byte : proposal) {
        if (is_over(g) || byte != static_cast<char>(best[prompt_bytes + g.text.size() - 1])) break;
        g.text += byte;
      }
      if (!is_first) ++g.n_steps;
      confirmed.push_back(prompts[open[row]] + g.text);
      last.push_back(static_cast<std::int64_t>(row) * x.size(1) + static_cast<std::int64_t>(confirmed.back().size()) - 1);
    }
    const std::vector<std::string> next =
        draft(network, h, torch::tensor(last, torch::kLong).to(h.device()), confirmed, x.size(1), use_cell);
    for (std::size_t row = 0; row < open.size(); ++row) drafts[open[row]] = next[row];
  }
}

}  // namespace octet::bytemodel::training

#include "bytemodel/training/heads_loss.h"

#include <algorithm>
#include <cmath>

#include <torch/csrc/autograd/custom_function.h>
#include <torch/nn/functional/loss.h>

#include "bytemodel/control_bytes.h"
#include "bytemodel/training/ops.h"
#include "kernels/training/training_kernels.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;
using torch::indexing::Slice;

constexpr std::int64_t kClasses = 256;
// 128 x 8 heads x 256 floats are 1 MB: logits stay in the second-level cache. In bfloat16 each chunk's gradient of the
// unembeddings is widened and added apart from the product: fewer, longer chunks.
constexpr std::int64_t kChunkRows = 128;
constexpr std::int64_t kChunkRowsBf16 = 512;

std::int64_t count_targets(const std::int16_t* targets, std::int64_t n) {
  return n - std::count_if(targets, targets + n, [](std::int16_t target) { return target < 0; });
}

std::int64_t head_to_end(const std::vector<double>& weights) {
  const auto last = std::find_if(weights.rbegin(), weights.rend(), [](double weight) { return weight != 0; });
  return std::distance(last, weights.rend());
}

/// The kernel on logits[n_rows, 256 or more], rows as far apart as the tensor says.
double cross_entropy(const Tensor& logits, const std::int16_t* targets, double weight) {
  const kernels::TrainingKernels& table = *kernels::supported_training_kernels().front();
  const auto factor = static_cast<float>(weight);
  if (logits.scalar_type() == torch::kBFloat16) {
    return table.bf16.cross_entropy(static_cast<kernels::Bf16*>(logits.data_ptr()), logits.stride(0), targets, factor, logits.size(0));
  }
  return table.f32.cross_entropy(logits.data_ptr<float>(), logits.stride(0), targets, factor, logits.size(0));
}

/// Gradients computed along with the losses, and kept for the backward pass.
struct FusedHeadsLoss : torch::autograd::Function<FusedHeadsLoss> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& g, const Tensor& unembed, const Tensor& factor,
                        const Tensor& targets, const HeadWeights& weights, double n_normal, HeadSums& sums, int first_head,
                        bool needs_gradient) {
    const bool is_bf16 = g.scalar_type() == torch::kBFloat16;
    const std::int64_t chunk_rows = is_bf16 ? kChunkRowsBf16 : kChunkRows;
    const std::int64_t n = g.size(0);
    const std::int64_t d = g.size(1);
    // Heads that nobody weighs stand behind the others under every schedule, so a prefix of the heads is enough.
    const std::int64_t n_heads = needs_gradient ? head_to_end(weights.own) : unembed.size(0);
    const std::int64_t n_trunk = needs_gradient ? head_to_end(weights.trunk) : 0;
    const Tensor rows = factor.slice(0, 0, n_heads).reshape({n_heads * kClasses, d});
    Tensor grad_g = needs_gradient ? torch::zeros_like(g) : Tensor();
    Tensor grad_unembed = needs_gradient ? torch::zeros_like(unembed) : Tensor();
    double loss = 0;
    for (std::int64_t begin = 0; begin < n; begin += chunk_rows) {
      const std::int64_t n_rows = std::min(chunk_rows, n - begin);
      const Tensor g_chunk = g.slice(0, begin, begin + n_rows);
      const Tensor logits = torch::mm(g_chunk, rows.t());
      for (std::int64_t head = 0; head < n_heads; ++head) {
        const auto at = static_cast<std::size_t>(head);
        const std::int16_t* head_targets = targets.data_ptr<std::int16_t>() + head * n + begin;
        const double nats = cross_entropy(logits.slice(1, head * kClasses), head_targets, weights.own[at] / n_normal);
        sums.nats[at + static_cast<std::size_t>(first_head)] += nats;
        sums.n_bytes[at + static_cast<std::size_t>(first_head)] += count_targets(head_targets, n_rows);
        loss += weights.trunk[at] / n_normal * nats;
      }
      if (!needs_gradient) continue;
      Tensor grad_rows = grad_unembed.slice(0, 0, n_heads).view({n_heads * kClasses, d});
      if (is_bf16) {
        grad_rows.add_(torch::mm(logits.t(), g_chunk));
      } else {
        grad_rows.addmm_(logits.t(), g_chunk);
      }
      for (std::int64_t head = 0; head < n_trunk; ++head) {
        const auto at = static_cast<std::size_t>(head);
        const double ratio = weights.own[at] == 0 ? 0 : weights.trunk[at] / weights.own[at];
        if (ratio != 1) logits.slice(1, head * kClasses, (head + 1) * kClasses).mul_(ratio);
      }
      Tensor grad_chunk = grad_g.slice(0, begin, begin + n_rows);
      torch::mm_out(grad_chunk, logits.slice(1, 0, n_trunk * kClasses), rows.slice(0, 0, n_trunk * kClasses));
    }
    context->saved_data["grad_g"] = grad_g;
    context->saved_data["grad_unembed"] = grad_unembed;
    return torch::scalar_tensor(loss, unembed.options());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& grads) {
    const double scale = grads[0].item<double>();
    Tensor grad_g = context->saved_data["grad_g"].toTensor();
    Tensor grad_unembed = context->saved_data["grad_unembed"].toTensor();
    context->saved_data.clear();
    if (scale != 1) {
      grad_g.mul_(scale);
      grad_unembed.mul_(scale);
    }
    return {grad_g, grad_unembed, Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

HeadSums& HeadSums::operator+=(const HeadSums& other) {
  for (std::size_t i = 0; i < nats.size(); ++i) {
    nats[i] += other.nats[i];
    n_bytes[i] += other.n_bytes[i];
  }
  return *this;
}

double HeadSums::bits_per_byte(int head_idx) const {
  const auto i = static_cast<std::size_t>(head_idx);
  return n_bytes[i] == 0 ? 0 : nats[i] / static_cast<double>(n_bytes[i]) / std::log(2.0);
}

Tensor head_targets(const Tensor& x, int n_predict) {
  const std::int64_t n_positions = x.size(1);
  const Tensor bytes = x.to(torch::kCPU, torch::kInt16);
  const Tensor known = torch::where(bytes == static_cast<int>(kPad), torch::scalar_tensor(-1, torch::kInt16), bytes);
  Tensor targets = torch::full({n_predict, x.size(0), n_positions}, -1, torch::kInt16);
  for (std::int64_t ahead = 1; ahead <= n_predict && ahead < n_positions; ++ahead) {
    targets.index_put_({ahead - 1, Slice(), Slice(0, n_positions - ahead)}, known.slice(1, ahead, n_positions));
  }
  return targets.view({n_predict, -1});
}

Tensor heads_loss(const Tensor& g, const Tensor& unembed, const Tensor& cast, const Tensor& targets, const HeadWeights& weights,
                  double n_normal, HeadSums& sums, int first_head) {
  const bool is_bf16 = g.scalar_type() == torch::kBFloat16;
  if (!g.is_cpu() || (g.scalar_type() != torch::kFloat && !is_bf16))
    return composed::heads_loss(g, unembed, cast, targets, weights, n_normal, sums, first_head);
  const bool needs_gradient = torch::GradMode::is_enabled() && (g.requires_grad() || unembed.requires_grad());
  return FusedHeadsLoss::apply(g.contiguous(), unembed, is_bf16 ? cast : unembed.detach(), targets, weights, n_normal, sums, first_head,
                               needs_gradient);
}

namespace composed {

Tensor heads_loss(const Tensor& g, const Tensor& unembed, const Tensor& cast, const Tensor& targets, const HeadWeights& weights,
                  double n_normal, HeadSums& sums, int first_head) {
  const bool needs_gradient = torch::GradMode::is_enabled();
  Tensor loss = torch::zeros({}, unembed.options());
  for (std::int64_t head = 0; head < unembed.size(0); ++head) {
    const auto at = static_cast<std::size_t>(head);
    const double own = weights.own[at];
    if (needs_gradient && own == 0) continue;
    // The value counts with the trunk's weight, the unembedding's gradient with the head's own.
    const double ratio = own == 0 ? 0 : weights.trunk[at] / own;
    const Tensor heard = g * ratio + g.detach() * (1 - ratio);
    const Tensor target = targets[head].to(g.device(), torch::kLong);
    const Tensor nats =
        torch::nn::functional::cross_entropy(linear(heard, unembed[head], cast.defined() ? cast[head] : cast).to(unembed.dtype()), target,
                                             torch::nn::functional::CrossEntropyFuncOptions().ignore_index(-1).reduction(torch::kSum));
    sums.nats[at + static_cast<std::size_t>(first_head)] += nats.item<double>();
    sums.n_bytes[at + static_cast<std::size_t>(first_head)] += (target >= 0).sum().item<std::int64_t>();
    const Tensor weighted = nats * (own / n_normal);
    loss = loss + weighted + weighted.detach() * (ratio - 1);
  }
  return loss;
}

}  // namespace composed
}  // namespace octet::bytemodel::training

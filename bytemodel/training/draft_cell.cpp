#include "bytemodel/training/draft_cell.h"

#include <torch/nn/functional/loss.h>

#include "bytemodel/check.h"

namespace octet::bytemodel::training {

using torch::Tensor;

DraftCell::DraftCell(const Network& network, const Tensor& g)
    : network_(network), z_(torch::linear(g, network.parameter("cell.in"))), state_(torch::zeros_like(z_)) {
  OCTET_CHECK(network.config().cell_dim > 0);
}

Tensor DraftCell::advance(const Tensor& e) {
  const Tensor input = e * torch::rsqrt(e.square().mean(-1, /*keepdim=*/true) + network_.config().norm_eps);
  const Tensor recurrent = torch::linear(state_, network_.parameter("cell.recur"));
  const Tensor embedded = torch::linear(input, network_.parameter("cell.embed"));
  const Tensor gate = torch::linear(input, network_.parameter("cell.gate"));
  state_ = state_ / 2 + torch::tanh(recurrent + z_ + embedded) * torch::sigmoid(gate);
  return torch::linear(state_, network_.parameter("cell.out"));
}

void accumulate_cell_gradients(Network& network, const Tensor& x, int stride, double n_normal, HeadSums& sums) {
  const int n_predict = network.config().n_predict;
  const std::int64_t n_positions = x.size(1);
  Tensor inputs;
  Tensor g;
  {
    const torch::NoGradGuard trunk_stands_still;
    inputs = network.input_vectors(x);
    g = network.head_input(network.trunk(x), 0, n_positions);
  }
  const Tensor positions = torch::arange(0, n_positions - n_predict, stride, torch::kLong);
  const Tensor on_device = positions.to(g.device());
  const Tensor state = g.index_select(0, on_device);
  const Tensor targets = head_targets(x, n_predict);
  DraftCell cell(network, state);
  Tensor loss = torch::zeros({}, g.options());
  for (int head = 1; head < n_predict; ++head) {
    const Tensor added = cell.advance(inputs.index_select(0, on_device + head));
    const Tensor logits = torch::linear(state, network.parameter("unembed")[head].detach()) + added;
    const Tensor target = targets[head].index_select(0, positions).to(g.device(), torch::kLong);
    const Tensor nats = torch::nn::functional::cross_entropy(
        logits, target, torch::nn::functional::CrossEntropyFuncOptions().ignore_index(-1).reduction(torch::kSum));
    sums.nats[static_cast<std::size_t>(head)] += nats.item<double>();
    sums.n_bytes[static_cast<std::size_t>(head)] += (target >= 0).sum().item<std::int64_t>();
    loss = loss + nats;
  }
  (loss / n_normal).backward();
}

}  // namespace octet::bytemodel::training

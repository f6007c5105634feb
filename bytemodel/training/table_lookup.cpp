#include "bytemodel/training/table_lookup.h"

#include <span>

#include <torch/csrc/autograd/custom_function.h>

#include "bytemodel/ngram_index.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;

void add_rows(Tensor& table, const Tensor& rows, const Tensor& added) {
  if (!table.is_cpu() || table.scalar_type() != torch::kFloat) {
    table.index_add_(0, rows, added);
    return;
  }
  const std::int64_t width = table.size(1);
  const std::int64_t stride = added.stride(0);
  float* base = table.data_ptr<float>();
  const float* source = added.data_ptr<float>();
  const std::int64_t* row = rows.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < rows.numel(); ++i, source += stride) {
    float* target = base + row[i] * width;
    for (std::int64_t j = 0; j < width; ++j) target[j] += source[j];
  }
}

/// `anchor` is what makes the graph come back here: the tables are no inputs of the graph.
struct Lookup : torch::autograd::Function<Lookup> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& /*anchor*/, NgramTables* tables, const Tensor& rows) {
    std::vector<Tensor> columns;
    for (std::size_t i = 0; i < tables->values.size(); ++i) {
      columns.push_back(tables->values[i].index_select(0, rows[static_cast<std::int64_t>(i)]));
    }
    context->saved_data["rows"] = rows;
    context->saved_data["tables"] = reinterpret_cast<std::int64_t>(tables);
    return torch::cat(columns, 1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context, const torch::autograd::variable_list& grads) {
    auto* tables = reinterpret_cast<NgramTables*>(context->saved_data["tables"].toInt());
    const Tensor rows = context->saved_data["rows"].toTensor();
    const std::int64_t width = tables->values.front().size(1);
    const Tensor grad = grads[0].contiguous();
    for (std::size_t i = 0; i < tables->gradients.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i);
      if (tables->gradients[i].defined()) add_rows(tables->gradients[i], rows[at], grad.slice(1, at * width, (at + 1) * width));
    }
    return {Tensor(), Tensor(), Tensor()};
  }
};

}  // namespace

Tensor ngram_rows(const Tensor& x, const ModelConfig& config) {
  const Tensor bytes = x.contiguous();
  const auto n_positions = static_cast<std::size_t>(x.size(1));
  Tensor rows = torch::empty({config.n_orders(), x.numel()}, torch::kLong);
  std::int64_t* out = rows.data_ptr<std::int64_t>();
  for (const int order : config.ngram_orders) {
    for (std::int64_t sequence = 0; sequence < x.size(0); ++sequence) {
      const std::span<const std::uint8_t> history(bytes.data_ptr<std::uint8_t>() + sequence * x.size(1), n_positions);
      for (std::size_t t = 1; t <= n_positions; ++t) {
        *out++ = ngram_index(history.first(t), order, static_cast<std::uint32_t>(config.ngram_rows));
      }
    }
  }
  return rows;
}

Tensor look_up(NgramTables& tables, const Tensor& rows) {
  const Tensor& first = tables.values.front();
  const bool is_trained = tables.gradients.front().defined();
  const Tensor anchor = torch::zeros({}, first.options().requires_grad(is_trained));
  return Lookup::apply(anchor, &tables, rows.to(first.device()));
}

}  // namespace octet::bytemodel::training

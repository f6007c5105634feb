#include "engine/model/packed_weights.h"

#include <initializer_list>

#include "bytemodel/check.h"

namespace octet::engine {

namespace int8 = kernels::int8;

PackedMatrix::PackedMatrix(std::span<const std::int8_t> rows, std::span<const float> scales)
    : n_(static_cast<int>(scales.size())), k_(static_cast<int>(rows.size() / scales.size())) {
  const auto padded = static_cast<std::size_t>(int8::n_panels(n_)) * int8::kPanel;
  values_.resize(int8::packed_bytes(n_, k_));
  biases_.resize(padded);
  scales_.assign(scales.begin(), scales.end());
  scales_.resize(padded);
  int8::pack(rows.data(), n_, k_, values_.data(), biases_.data());
}

void RowTable::copy_row(std::size_t row, float* out) const {
  const std::int8_t* from = values + row * static_cast<std::size_t>(row_size);
  for (int i = 0; i < row_size; ++i) out[i] = static_cast<float>(from[i]) * scales[row];
}

PackedBlock PackedWeights::block(const std::string& prefix, int window) {
  const auto& c = model_.config();
  const auto one = [&](const char* name) {
    const auto tensor = tensors_[prefix + name];
    return PackedMatrix(tensor.values, tensor.scales);
  };

  RowStack kv_q(c.d_model);
  for (const char* name : {"k_proj", "v_proj", "q_proj"}) {
    kv_q.add(tensors_[prefix + name]);
    kv_q.fill(int8::kPanel);
  }
  const RowStack gate_up = interleaved(tensors_[prefix + "gate_proj"], tensors_[prefix + "up_proj"], c.d_model, int8::kPanel);
  const auto pack = [](const RowStack& stack) { return PackedMatrix(stack.rows(), stack.scales()); };

  const auto gain = [&](const char* name) { return model_.tensor(prefix + name).f32().data(); };
  return {pack(kv_q),     one("o_proj"),  pack(gate_up), one("down_proj"), gain("attn_norm"), gain("ffn_norm"),
          gain("q_norm"), gain("k_norm"), window};
}

PackedWeights::PackedWeights(const bytemodel::ModelFile& model) : model_(model), tensors_(model) {
  const auto& c = model.config();
  const auto table = [&](const std::string& name, int row_size) {
    const auto tensor = tensors_[name];
    return RowTable{tensor.values.data(), tensor.scales.data(), row_size};
  };
  const auto one = [&](const std::string& name) {
    const auto tensor = tensors_[name];
    return PackedMatrix(tensor.values, tensor.scales);
  };

  embed = table("embed", c.d_model);
  for (int i = 0; i < c.n_orders(); ++i) ngram.push_back(table("ngram." + std::to_string(i), c.ngram_dim));
  if (!ngram.empty()) ngram_proj = one("ngram_proj");
  for (int i = 0; i < c.n_layers; ++i) layers.push_back(block("layers." + std::to_string(i) + ".", c.window[static_cast<std::size_t>(i)]));
  if (c.head_kind == bytemodel::HeadKind::kTransformer) {
    for (int i = 0; i < c.n_predict; ++i) heads.push_back(block("heads." + std::to_string(i) + ".", 0));
  }
  final_norm = model.tensor("final_norm").f32().data();
  const auto all_heads = tensors_["unembed"];
  const std::size_t n_rows = all_heads.scales.size() / static_cast<std::size_t>(c.n_predict);
  for (int i = 0; i < c.n_predict; ++i) {
    const auto head = all_heads.rows(static_cast<std::size_t>(i) * n_rows, n_rows);
    unembed.emplace_back(head.values, head.scales);
  }
  if (c.cell_dim > 0) {
    cell.in = one("cell.in");
    cell.recur = one("cell.recur");
    cell.out = one("cell.out");
    RowStack embed_gate(c.d_model);
    for (const char* name : {"cell.embed", "cell.gate"}) {
      embed_gate.add(tensors_[name]);
      embed_gate.fill(int8::kPanel);
    }
    cell.embed_gate = {embed_gate.rows(), embed_gate.scales()};
  }
}

std::size_t PackedWeights::step_bytes() const {
  std::size_t bytes = ngram_proj.size_bytes() + unembed[0].size_bytes();
  for (const auto& layer : layers) bytes += layer.size_bytes();
  if (!heads.empty()) bytes += heads[0].size_bytes();
  return bytes;
}

}  // namespace octet::engine

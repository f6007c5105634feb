#include "engine/model/packed_weights.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "bytemodel/check.h"

namespace octet::engine {

namespace int8 = kernels::int8;

namespace {

/// Matrices of equal row size below one another, to be packed as one.
class Stack {
 public:
  explicit Stack(int k) : k_(static_cast<std::size_t>(k)) {}

  void add(std::span<const std::int8_t> rows, std::span<const float> scales) {
    OCTET_CHECK(rows.size() == scales.size() * k_);
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    scales_.insert(scales_.end(), scales.begin(), scales.end());
  }

  /// Rows of zeros up to the next whole panel.
  void fill_panel() {
    scales_.resize(static_cast<std::size_t>(stacked_rows(static_cast<int>(scales_.size()))));
    rows_.resize(scales_.size() * k_);
  }

  PackedMatrix pack() const { return {rows_, scales_}; }

 private:
  std::size_t k_;
  std::vector<std::int8_t> rows_;
  std::vector<float> scales_;
};

}  // namespace

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

PackedWeights::QuantizedTensor PackedWeights::quantized(const std::string& name) {
  const bytemodel::TensorView& stored = model_.tensor(name);
  if (stored.dtype == bytemodel::DType::kI8) return {stored.i8(), model_.tensor(name + ".scale").f32()};
  const auto row_size = static_cast<std::size_t>(stored.shape.back());
  auto rows = bytemodel::quantize_rows(stored.f32(), stored.f32().size() / row_size);
  OCTET_CHECK(rows.has_value());  // check_finite() comes first
  const auto& owned = owned_.emplace_back(std::move(*rows));
  return {owned.values, owned.scales};
}

PackedBlock PackedWeights::block(const std::string& prefix, int window) {
  const auto& c = model_.config();
  const auto one = [&](const char* name) {
    const auto tensor = quantized(prefix + name);
    return PackedMatrix(tensor.values, tensor.scales);
  };

  Stack kv_q(c.d_model);
  for (const char* name : {"k_proj", "v_proj", "q_proj"}) {
    const auto tensor = quantized(prefix + name);
    kv_q.add(tensor.values, tensor.scales);
    kv_q.fill_panel();
  }

  const auto gate = quantized(prefix + "gate_proj");
  const auto up = quantized(prefix + "up_proj");
  Stack gate_up(c.d_model);
  for (int row = 0; row < c.d_ff; row += int8::kPanel) {
    const auto first = static_cast<std::size_t>(row);
    const auto n = static_cast<std::size_t>(std::min(int8::kPanel, c.d_ff - row));
    const auto d = static_cast<std::size_t>(c.d_model);
    for (const auto* part : {&gate, &up}) {
      gate_up.add(part->values.subspan(first * d, n * d), part->scales.subspan(first, n));
      gate_up.fill_panel();
    }
  }

  const auto gain = [&](const char* name) { return model_.tensor(prefix + name).f32().data(); };
  return {kv_q.pack(),    one("o_proj"),  gate_up.pack(), one("down_proj"), gain("attn_norm"), gain("ffn_norm"),
          gain("q_norm"), gain("k_norm"), window};
}

PackedWeights::PackedWeights(const bytemodel::ModelFile& model) : model_(model) {
  const auto& c = model.config();
  const auto table = [&](const std::string& name, int row_size) {
    const auto tensor = quantized(name);
    return RowTable{tensor.values.data(), tensor.scales.data(), row_size};
  };
  const auto one = [&](const std::string& name) {
    const auto tensor = quantized(name);
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
  const auto all_heads = quantized("unembed");
  const std::size_t n_rows = all_heads.scales.size() / static_cast<std::size_t>(c.n_predict);
  for (int i = 0; i < c.n_predict; ++i) {
    const std::size_t first = static_cast<std::size_t>(i) * n_rows;
    const auto d = static_cast<std::size_t>(c.d_model);
    unembed.emplace_back(all_heads.values.subspan(first * d, n_rows * d), all_heads.scales.subspan(first, n_rows));
  }
  if (c.cell_dim > 0) {
    cell.in = one("cell.in");
    cell.recur = one("cell.recur");
    cell.out = one("cell.out");
    Stack embed_gate(c.d_model);
    for (const char* name : {"cell.embed", "cell.gate"}) {
      const auto tensor = quantized(name);
      embed_gate.add(tensor.values, tensor.scales);
      embed_gate.fill_panel();
    }
    cell.embed_gate = embed_gate.pack();
  }
}

std::size_t PackedWeights::step_bytes() const {
  std::size_t bytes = ngram_proj.size_bytes() + unembed[0].size_bytes();
  for (const auto& layer : layers) bytes += layer.size_bytes();
  if (!heads.empty()) bytes += heads[0].size_bytes();
  return bytes;
}

}  // namespace octet::engine

#include "engine/model/weights.h"

#include <string>

namespace octet::engine {

Weights::Weights(const bytemodel::ModelFile& model) {
  const bytemodel::ModelConfig& config = model.config();
  const auto data = [&](const std::string& name) {
    const bytemodel::TensorView& stored = model.tensor(name);
    if (stored.dtype == bytemodel::DType::kF32) return stored.f32().data();
    return static_cast<const float*>(widened.emplace_back(model.values(name)).data());
  };
  const auto block = [&](const std::string& prefix, int window) {
    return BlockWeights{data(prefix + "attn_norm"), data(prefix + "ffn_norm"), data(prefix + "q_proj"),    data(prefix + "k_proj"),
                        data(prefix + "v_proj"),    data(prefix + "o_proj"),   data(prefix + "q_norm"),    data(prefix + "k_norm"),
                        data(prefix + "gate_proj"), data(prefix + "up_proj"),  data(prefix + "down_proj"), window};
  };

  embed = data("embed");
  for (int i = 0; i < config.n_orders(); ++i) ngram.push_back(data("ngram." + std::to_string(i)));
  ngram_proj = ngram.empty() ? nullptr : data("ngram_proj");
  for (int i = 0; i < config.n_layers; ++i) {
    layers.push_back(block("layers." + std::to_string(i) + ".", config.window[static_cast<std::size_t>(i)]));
  }
  if (config.head_kind == bytemodel::HeadKind::kTransformer) {
    for (int i = 0; i < config.n_predict; ++i) heads.push_back(block("heads." + std::to_string(i) + ".", 0));
  }
  final_norm = data("final_norm");
  unembed = data("unembed");
  cell = config.cell_dim == 0 ? CellWeights{}
                              : CellWeights{data("cell.in"), data("cell.embed"), data("cell.gate"), data("cell.recur"), data("cell.out")};
}

}  // namespace octet::engine

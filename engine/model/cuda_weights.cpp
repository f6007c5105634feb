#include "engine/model/cuda_weights.h"

#include <span>
#include <string>

#include "kernels/reference/ops.h"

namespace octet::engine {

namespace cuda = kernels::cuda;

namespace {

/// Puts tensors of a model into an arena.
class Loader {
 public:
  Loader(const bytemodel::ModelFile& model, DeviceArena& arena) : model_(model), tensors_(model), arena_(arena) {}

  QuantizedTensor tensor(const std::string& name) { return tensors_[name]; }
  const float* floats(const std::string& name) { return arena_.put(std::span(model_.tensor(name).f32())); }

  cuda::Table table(const std::string& name) {
    const auto tensor = tensors_[name];
    return {arena_.put(tensor.values), arena_.put(tensor.scales)};
  }

  cuda::Matrix matrix(std::span<const std::int8_t> rows, std::span<const float> scales) {
    const int n = static_cast<int>(scales.size());
    const int k = static_cast<int>(rows.size() / scales.size());
    std::vector<float> padded(scales.begin(), scales.end());
    padded.resize(static_cast<std::size_t>(cuda::n_tiles(n) * cuda::kTile));
    std::vector<std::int8_t> fragments;
    if (arena_.measures()) {
      arena_.take<std::int8_t>(cuda::fragment_bytes(n, k));
    } else {
      fragments.resize(cuda::fragment_bytes(n, k));
      cuda::pack_fragments(rows.data(), n, k, fragments.data());
    }
    const auto* values = arena_.measures() ? nullptr : arena_.put(std::span<const std::int8_t>(fragments));
    return {values, arena_.put(std::span<const float>(padded)), n, k};
  }
  cuda::Matrix matrix(const RowStack& stack) { return matrix(stack.rows(), stack.scales()); }
  cuda::Matrix matrix(const std::string& name) {
    const auto tensor = tensors_[name];
    return matrix(tensor.values, tensor.scales);
  }

  CudaBlock block(const std::string& prefix, int window) {
    const auto& c = model_.config();
    // Each attention head from a whole tile on: a block of threads computes one.
    RowStack kv_q(c.d_model);
    for (const char* name : {"k_proj", "v_proj", "q_proj"}) {
      const auto heads = tensors_[prefix + name];
      const auto head_dim = static_cast<std::size_t>(c.head_dim);
      for (std::size_t first = 0; first < heads.scales.size(); first += head_dim) {
        kv_q.add(heads.rows(first, head_dim));
        kv_q.fill(cuda::kTile);
      }
    }
    const RowStack gate_up = interleaved(tensors_[prefix + "gate_proj"], tensors_[prefix + "up_proj"], c.d_model, cuda::kTile);
    CudaBlock block;
    block.kv_q = matrix(kv_q);
    block.out = matrix(prefix + "o_proj");
    block.gate_up = matrix(gate_up);
    block.down = matrix(prefix + "down_proj");
    block.attn_norm = floats(prefix + "attn_norm");
    block.ffn_norm = floats(prefix + "ffn_norm");
    block.q_norm = floats(prefix + "q_norm");
    block.k_norm = floats(prefix + "k_norm");
    block.window = window;
    return block;
  }

 private:
  const bytemodel::ModelFile& model_;
  QuantizedTensors tensors_;
  DeviceArena& arena_;
};

}  // namespace

CudaWeights::CudaWeights(const bytemodel::ModelFile& model, DeviceArena& arena, std::size_t capacity) {
  const auto& c = model.config();
  Loader load(model, arena);
  embedding.embed = load.table("embed");
  embedding.d_model = c.d_model;
  embedding.n_orders = c.n_orders();
  embedding.ngram_rows = c.ngram_rows;
  embedding.ngram_dim = c.ngram_dim;
  for (int i = 0; i < c.n_orders(); ++i) {
    embedding.ngram[i] = load.table("ngram." + std::to_string(i));
    embedding.orders[i] = c.ngram_orders[static_cast<std::size_t>(i)];
  }
  if (c.n_orders() > 0) embedding.ngram_proj = load.matrix("ngram_proj");

  for (int i = 0; i < c.n_layers; ++i)
    layers.push_back(load.block("layers." + std::to_string(i) + ".", c.window[static_cast<std::size_t>(i)]));
  if (c.head_kind == bytemodel::HeadKind::kTransformer) {
    for (int i = 0; i < c.n_predict; ++i) heads.push_back(load.block("heads." + std::to_string(i) + ".", 0));
  }
  final_norm = load.floats("final_norm");
  const auto all_heads = load.tensor("unembed");
  for (int i = 0; i < c.n_predict; ++i) {
    const auto head = all_heads.rows(static_cast<std::size_t>(i) * cuda::kVocabulary, cuda::kVocabulary);
    unembed.push_back(load.matrix(head.values, head.scales));
  }
  if (c.cell_dim > 0) {
    RowStack embed_gate(c.d_model);
    for (const char* name : {"cell.embed", "cell.gate"}) {
      embed_gate.add(load.tensor(name));
      embed_gate.fill(cuda::kTile);
    }
    cell = {c.cell_dim, load.matrix("cell.in"), load.matrix("cell.recur"), load.matrix("cell.out"), load.matrix(embed_gate)};
  }

  const auto half = static_cast<std::size_t>(c.head_dim / 2);
  std::vector<float> cosines(capacity * half);
  std::vector<float> sines(cosines.size());
  for (std::size_t pos = 0; pos < capacity && !arena.measures(); ++pos) {
    kernels::reference::rope_angles(static_cast<std::int64_t>(pos), c.rope_theta, c.head_dim / 2, &cosines[pos * half], &sines[pos * half]);
  }
  cosine = arena.put(std::span<const float>(cosines));
  sine = arena.put(std::span<const float>(sines));
}

}  // namespace octet::engine

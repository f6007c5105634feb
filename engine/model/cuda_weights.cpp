#include "engine/model/cuda_weights.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

#include "engine/model/quantized_tensors.h"
#include "kernels/cuda/bf16.h"
#include "kernels/reference/ops.h"

namespace octet::engine {

namespace cuda = kernels::cuda;

namespace {

/// Rows of numbers in a format, matrices below one another. While an arena measures there are no numbers, only their count.
struct Rows {
  std::vector<std::byte> numbers;
  std::vector<float> scales;  // int8
  std::size_t n = 0;
  std::size_t k = 0;

  /// `count` rows of `from`, from `first` on.
  void add(const Rows& from, std::size_t first, std::size_t count) {
    const auto take = [&](auto& to, const auto& values) {
      const std::size_t of_row = values.size() / from.n;
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first * of_row);
      to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(count * of_row));
    };
    take(numbers, from.numbers);
    take(scales, from.scales);
    n += count;
    k = from.k;
  }
  /// Rows of zeros up to a whole tile.
  void fill() {
    const auto whole = static_cast<std::size_t>(cuda::n_tiles(static_cast<int>(n)) * cuda::kTile);
    numbers.resize(numbers.size() / n * whole);
    scales.resize(scales.size() / n * whole);
    n = whole;
  }
};

/// Puts tensors of a model into an arena.
class Loader {
 public:
  Loader(const bytemodel::ModelFile& model, cuda::Format format, DeviceArena& arena) : model_(model), format_(format), arena_(arena) {}

  const float* floats(const std::string& name) { return arena_.put(std::span(model_.tensor(name).f32())); }

  /// A tensor's rows: as they are stored, or converted.
  Rows rows(const std::string& name) {
    const bytemodel::TensorView& stored = model_.tensor(name);
    Rows out;
    out.k = static_cast<std::size_t>(stored.shape.back());
    out.n = 1;
    for (std::size_t i = 0; i + 1 < stored.shape.size(); ++i) out.n *= static_cast<std::size_t>(stored.shape[i]);
    if (arena_.measures()) return out;
    if (format_ == cuda::Format::kBf16) {
      const auto values = model_.values(name);
      std::vector<std::uint16_t> halves(values.size());
      std::transform(values.begin(), values.end(), halves.begin(), cuda::to_bf16);
      const auto bytes = std::as_bytes(std::span(halves));
      out.numbers.assign(bytes.begin(), bytes.end());
    } else {
      QuantizedTensors tensors(model_);
      const QuantizedTensor tensor = tensors[name];
      const auto bytes = std::as_bytes(tensor.values);
      out.numbers.assign(bytes.begin(), bytes.end());
      out.scales.assign(tensor.scales.begin(), tensor.scales.end());
    }
    return out;
  }

  cuda::Table table(const std::string& name) {
    const Rows tensor = rows(name);
    return {put(tensor.numbers, tensor.n * tensor.k * static_cast<std::size_t>(cuda::number_bytes(format_))), scales(tensor, tensor.n)};
  }

  cuda::Matrix matrix(const Rows& from) {
    const int n = static_cast<int>(from.n);
    const int k = static_cast<int>(from.k);
    const std::size_t n_bytes = cuda::fragment_bytes(n, k, format_);
    std::vector<std::byte> fragments;
    if (!arena_.measures()) {
      fragments.resize(n_bytes);
      cuda::pack_fragments(from.numbers.data(), n, k, format_, fragments.data());
    }
    const std::byte* values = put(fragments, n_bytes);
    return {values, scales(from, static_cast<std::size_t>(cuda::n_tiles(n) * cuda::kTile)), n, k, format_};
  }
  cuda::Matrix matrix(const std::string& name) { return matrix(rows(name)); }

  CudaBlock block(const std::string& prefix, int window) {
    const auto& c = model_.config();
    // Each attention head from a whole tile on: a block of threads computes one.
    Rows kv_q;
    for (const char* name : {"k_proj", "v_proj", "q_proj"}) {
      const Rows heads = rows(prefix + name);
      const auto head_dim = static_cast<std::size_t>(c.head_dim);
      for (std::size_t first = 0; first < heads.n; first += head_dim) {
        kv_q.add(heads, first, head_dim);
        kv_q.fill();
      }
    }
    // Tiles of gate and up in turn.
    Rows gate_up;
    const Rows gate = rows(prefix + "gate_proj");
    const Rows up = rows(prefix + "up_proj");
    for (std::size_t first = 0; first < gate.n; first += cuda::kTile) {
      for (const Rows* part : {&gate, &up}) {
        gate_up.add(*part, first, std::min<std::size_t>(cuda::kTile, gate.n - first));
        gate_up.fill();
      }
    }
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
  /// `values` in the arena, or room for what is not there yet.
  const std::byte* put(const std::vector<std::byte>& values, std::size_t n_bytes) {
    return arena_.measures() ? arena_.take<std::byte>(n_bytes) : arena_.put(std::span<const std::byte>(values));
  }
  /// The first of n scales, zeros behind those that there are.
  const float* scales(const Rows& from, std::size_t n) {
    if (format_ != cuda::Format::kInt8) return nullptr;
    std::vector<float> padded = from.scales;
    padded.resize(n);
    return arena_.put(std::span<const float>(padded));
  }

  const bytemodel::ModelFile& model_;
  const cuda::Format format_;
  DeviceArena& arena_;
};

}  // namespace

cuda::Matrix kv_q_heads(const CudaBlock& block, const bytemodel::ModelConfig& c, int n_heads) {
  return cuda::rows_of(block.kv_q, 0, n_heads * cuda::n_tiles(c.head_dim) * cuda::kTile);
}

CudaWeights::CudaWeights(const bytemodel::ModelFile& model, cuda::Format format, DeviceArena& arena, std::size_t capacity) {
  const auto& c = model.config();
  Loader load(model, format, arena);
  embedding.format = format;
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
  unembed = load.matrix("unembed");
  if (c.cell_dim > 0) {
    Rows embed_gate;
    for (const char* name : {"cell.embed", "cell.gate"}) {
      const Rows part = load.rows(name);
      embed_gate.add(part, 0, part.n);
      embed_gate.fill();
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

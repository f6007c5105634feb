#include "bytemodel/training/network.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bytemodel/check.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;

bool is_table(std::string_view name) { return name.starts_with("ngram.") && name != "ngram_proj"; }

/// Whether a matrix product reads it; the draft cell's are trained in float.
bool is_factor(std::string_view name) { return name.ends_with("_proj") || name == "unembed"; }

/// One head's part of a tensor for all of them; undefined where that is.
Tensor row_of(const Tensor& all, int head_idx) { return all.defined() ? all.slice(0, head_idx, head_idx + 1) : all; }

/// Standard deviation of a parameter's first values; norms start at 1 and are not asked for.
double first_deviation(const TensorSpec& spec) {
  const std::string_view name = spec.name;
  if (name.ends_with("o_proj") || name.ends_with("down_proj") || name == "unembed" || name == "cell.out") return 0;
  if (name == "embed") return 0.5;
  if (is_table(name)) return 0.05;  // hashed rows are noise until they are trained
  return 1 / std::sqrt(static_cast<double>(spec.shape.back()));
}

}  // namespace

std::string_view name(Precision precision) { return precision == Precision::kBf16 ? "bf16" : "f32"; }

Result<Precision> precision_from_name(std::string_view text) {
  if (text == name(Precision::kF32)) return Precision::kF32;
  if (text == name(Precision::kBf16)) return Precision::kBf16;
  return fail(ErrorCode::kInvalidArgument, fmt::format("precision: expected f32 or bf16, found '{}'", text));
}

Network::Network(ModelConfig config, torch::Device device)
    : config_(std::move(config)),
      device_(device),
      rope_(make_rope_table(config_.max_context, config_.head_dim, config_.rope_theta, torch::TensorOptions(device).dtype(torch::kFloat))) {
}

Network Network::random(const ModelConfig& config, std::uint64_t seed, torch::Device device) {
  Network network(config, device);
  auto generator = torch::make_generator<torch::CPUGeneratorImpl>(seed);
  std::vector<Parameter> parameters;
  for (const TensorSpec& spec : expected_tensors(config)) {
    Tensor value = torch::ones(spec.shape);
    if (!spec.name.ends_with("norm")) value.normal_(0, 1, generator).mul_(first_deviation(spec));
    parameters.push_back({spec.name, value.to(device).requires_grad_()});
  }
  network.adopt(std::move(parameters));
  return network;
}

Network Network::from_file(const ModelFile& file, torch::Device device) {
  Network network(file.config(), device);
  std::vector<Parameter> parameters;
  for (const TensorSpec& spec : expected_tensors(file.config())) {
    AlignedFloats values = file.values(spec.name);
    const Tensor value = torch::from_blob(values.data(), spec.shape).clone();
    parameters.push_back({spec.name, value.to(device).requires_grad_()});
  }
  network.adopt(std::move(parameters));
  return network;
}

Network Network::replica() const {
  Network copy(config_, device_);
  std::vector<Parameter> parameters;
  for (const Parameter& p : parameters_) parameters.push_back({p.name, p.value.detach().requires_grad_(p.value.requires_grad())});
  copy.adopt(std::move(parameters));
  copy.casts_ = casts_;
  for (std::size_t i = 0; i < tables_.gradients.size(); ++i) {
    if (!tables_.gradients[i].defined()) copy.tables_.gradients[i] = Tensor();  // train_only left the tables out
  }
  return copy;
}

void Network::compute_in(Precision precision) {
  casts_.clear();
  if (precision == Precision::kF32) return;
  for (const Parameter& p : parameters_) casts_.push_back(is_factor(p.name) ? p.value.detach().to(torch::kBFloat16) : Tensor());
}

void Network::refresh_cast(std::size_t parameter_idx) {
  if (!casts_.empty() && casts_[parameter_idx].defined()) casts_[parameter_idx].copy_(parameters_[parameter_idx].value.detach());
}

void Network::adopt(std::vector<Parameter> parameters) {
  parameters_ = std::move(parameters);
  for (Parameter& p : parameters_) {
    if (!is_table(p.name)) continue;
    p.value.requires_grad_(false);  // the lookup adds up their gradients itself
    tables_.values.push_back(p.value);
    tables_.gradients.push_back(torch::zeros_like(p.value));
  }
}

std::size_t Network::index_of(std::string_view name) const {
  const auto found = std::find_if(parameters_.begin(), parameters_.end(), [name](const Parameter& p) { return p.name == name; });
  OCTET_CHECK(found != parameters_.end());
  return static_cast<std::size_t>(found - parameters_.begin());
}

Tensor Network::cast(std::size_t parameter_idx) const { return casts_.empty() ? Tensor() : casts_[parameter_idx]; }

Tensor Network::project(const Tensor& x, std::string_view name) const {
  const std::size_t i = index_of(name);
  return linear(x, parameters_[i].value, cast(i));
}

Tensor Network::gradient(std::size_t parameter_idx) const {
  const Parameter& p = parameters_[parameter_idx];
  for (std::size_t i = 0; i < tables_.values.size(); ++i) {
    if (tables_.values[i].is_same(p.value)) return tables_.gradients[i];
  }
  return p.value.grad();
}

void Network::clear_gradients() {
  for (Parameter& p : parameters_) p.value.mutable_grad().reset();
  for (Tensor& gradient : tables_.gradients) {
    if (gradient.defined()) gradient.zero_();
  }
}

void Network::train_only(std::string_view prefix) {
  for (Parameter& p : parameters_) p.value.requires_grad_(p.name.starts_with(prefix) && !is_table(p.name));
  if (!std::string_view("ngram").starts_with(prefix)) {
    for (Tensor& gradient : tables_.gradients) gradient = Tensor();
  }
}

RopeTable Network::rope(std::int64_t n_positions) const {
  OCTET_CHECK(n_positions <= config_.max_context);
  return {rope_.cosine.slice(0, 0, n_positions), rope_.sine.slice(0, 0, n_positions)};
}

Tensor Network::block(const Tensor& h, const std::string& prefix, int window, std::int64_t n_positions) const {
  const auto gain = [this, &prefix](const char* name) -> const Tensor& { return parameter(prefix + name); };
  const auto product = [this, &prefix](const Tensor& x, const char* name) { return project(x, prefix + name); };
  const RopeTable positions = rope(n_positions);
  const Tensor a = rms_norm(h, gain("attn_norm"), config_.norm_eps, product_type());
  const Tensor q = norm_rope(product(a, "q_proj"), gain("q_norm"), positions, 1 / std::sqrt(config_.head_dim), config_.norm_eps);
  const Tensor k = norm_rope(product(a, "k_proj"), gain("k_norm"), positions, 1, config_.norm_eps);
  const Tensor v = product(a, "v_proj");
  const AttentionShape shape{n_positions, config_.n_heads, config_.n_kv_heads, config_.head_dim, window};
  const Tensor after_attention = h + product(attention(q, k, v, shape), "o_proj");
  const Tensor b = rms_norm(after_attention, gain("ffn_norm"), config_.norm_eps, product_type());
  const Tensor inner = swiglu(product(b, "gate_proj"), product(b, "up_proj"));
  return after_attention + product(inner, "down_proj");
}

Tensor Network::input_vectors(const Tensor& x) const {
  const Tensor own = torch::embedding(parameter("embed"), x.to(device_, torch::kLong).view({-1}));
  if (config_.n_orders() == 0) return own;
  const Tensor grams = look_up(const_cast<NgramTables&>(tables_), ngram_rows(x, config_));
  return own + project(grams.to(product_type()), "ngram_proj");
}

Tensor Network::trunk(const Tensor& x) const {
  Tensor h = input_vectors(x);
  for (int layer = 0; layer < config_.n_layers; ++layer) {
    h = block(h, fmt::format("layers.{}.", layer), config_.window[static_cast<std::size_t>(layer)], x.size(1));
  }
  return h;
}

Tensor Network::head_input(const Tensor& h, int head_idx, std::int64_t n_positions) const {
  const bool is_linear = config_.head_kind == HeadKind::kLinear;
  const Tensor state = is_linear ? h : block(h, fmt::format("heads.{}.", head_idx), 0, n_positions);
  return rms_norm(state, parameter("final_norm"), config_.norm_eps, product_type());
}

void Network::accumulate_gradients(const Tensor& x, const HeadWeights& weights, double n_normal, HeadSums& sums) {
  const Tensor h = trunk(x);
  const Tensor targets = head_targets(x, config_.n_predict);
  const Tensor& unembed = parameter("unembed");
  const Tensor unembed_cast = cast(index_of("unembed"));
  if (config_.head_kind == HeadKind::kLinear) {
    heads_loss(head_input(h, 0, x.size(1)), unembed, unembed_cast, targets, weights, n_normal, sums).backward();
    return;
  }
  // One head after another: the graph of each is gone before the next is made.
  const Tensor shared = h.detach().requires_grad_();
  for (int head = 0; head < config_.n_predict; ++head) {
    const auto at = static_cast<std::size_t>(head);
    if (weights.own[at] == 0) continue;
    // What a block of its own learns is weighed like its unembedding; the trunk's share is taken at the border.
    const double share = weights.trunk[at] / weights.own[at];
    const Tensor heard = shared * share + shared.detach() * (1 - share);
    const HeadWeights own{{weights.own[at]}, {weights.own[at]}};
    heads_loss(head_input(heard, head, x.size(1)), row_of(unembed, head), row_of(unembed_cast, head), row_of(targets, head), own, n_normal,
               sums, head)
        .backward();
  }
  h.backward(shared.grad());
}

void Network::evaluate(const Tensor& x, HeadSums& sums) const {
  const torch::NoGradGuard no_gradients;
  const Tensor h = trunk(x);
  const Tensor targets = head_targets(x, config_.n_predict);
  const Tensor& unembed = parameter("unembed");
  const Tensor unembed_cast = cast(index_of("unembed"));
  const std::vector<double> ones(static_cast<std::size_t>(config_.n_predict), 1.0);
  if (config_.head_kind == HeadKind::kLinear) {
    heads_loss(head_input(h, 0, x.size(1)), unembed, unembed_cast, targets, {ones, ones}, 1, sums);
    return;
  }
  for (int head = 0; head < config_.n_predict; ++head) {
    heads_loss(head_input(h, head, x.size(1)), row_of(unembed, head), row_of(unembed_cast, head), row_of(targets, head), {{1.0}, {1.0}}, 1,
               sums, head);
  }
}

}  // namespace octet::bytemodel::training

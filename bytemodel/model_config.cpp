#include "bytemodel/model_config.h"

#include <cmath>
#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/json_depth.h"

namespace octet::bytemodel {
namespace {

using nlohmann::json;

// Upper bounds keep every product below in range; they are far above any model that could run.
constexpr int kMaxWidth = 1 << 16;
constexpr int kMaxHeads = 1 << 10;
constexpr int kMaxLayers = 1 << 10;
constexpr int kMaxContext = 1 << 20;
constexpr int kMaxNgramRows = 1 << 24;
constexpr int kMaxNgramOrder = 32;
constexpr int kMaxNgramOrders = 16;
constexpr int kMaxPredict = 64;

/// Reads fields one by one and keeps the first error, so that the caller can list the fields plainly.
class FieldReader {
 public:
  explicit FieldReader(const json& object) : object_(object) {}

  int integer(const char* name, int min, int max) {
    const json* value = find(name);
    if (value == nullptr) return min;
    return checked(*value, name, min, max);
  }

  double positive_number(const char* name) {
    const json* value = find(name);
    if (value == nullptr) return 1.0;
    const double number = value->is_number() ? value->get<double>() : -1.0;
    if (!(number > 0.0) || !std::isfinite(number)) reject(name, "a finite number above 0", *value);
    return number;
  }

  std::vector<int> integers(const char* name, int min, int max, std::size_t max_count) {
    std::vector<int> out;
    const json* value = find(name);
    if (value == nullptr) return out;
    if (!value->is_array() || value->size() > max_count) {
      reject(name, fmt::format("an array of at most {} integers", max_count), *value);
      return out;
    }
    for (std::size_t i = 0; i < value->size(); ++i) {
      out.push_back(checked((*value)[i], fmt::format("{}[{}]", name, i), min, max));
    }
    return out;
  }

  void require(bool condition, std::string message) {
    if (!condition && error_.empty()) error_ = std::move(message);
  }

  void reject(std::string_view name, std::string_view expected, const json& found) {
    std::string text = found.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    require(false, fmt::format("config.{}: expected {}, found {}", name, expected, text));
  }

  const std::string& error() const { return error_; }

 private:
  const json* find(const char* name) {
    const auto it = object_.find(name);
    if (it != object_.end()) return &*it;
    require(false, fmt::format("config.{}: missing", name));
    return nullptr;
  }

  int checked(const json& value, std::string_view name, int min, int max) {
    const bool whole = value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() < INT64_MAX);
    const std::int64_t number = whole ? value.get<std::int64_t>() : -1;
    if (whole && number >= min && number <= max) return static_cast<int>(number);
    reject(name, fmt::format("an integer from {} to {}", min, max), value);
    return min;
  }

  const json& object_;
  std::string error_;
};

void add_block(std::vector<TensorSpec>& out, const ModelConfig& c, const std::string& prefix) {
  const std::int64_t d = c.d_model;
  const std::int64_t ff = c.d_ff;
  out.push_back({prefix + "attn_norm", {d}});
  out.push_back({prefix + "ffn_norm", {d}});
  out.push_back({prefix + "q_proj", {c.q_dim(), d}});
  out.push_back({prefix + "k_proj", {c.kv_dim(), d}});
  out.push_back({prefix + "v_proj", {c.kv_dim(), d}});
  out.push_back({prefix + "o_proj", {d, c.q_dim()}});
  out.push_back({prefix + "q_norm", {c.head_dim}});
  out.push_back({prefix + "k_norm", {c.head_dim}});
  out.push_back({prefix + "gate_proj", {ff, d}});
  out.push_back({prefix + "up_proj", {ff, d}});
  out.push_back({prefix + "down_proj", {d, ff}});
}

}  // namespace

Result<ModelConfig> parse_model_config(std::string_view text) {
  if (json_depth_exceeds(text)) return fail(ErrorCode::kMalformed, fmt::format("config: nested deeper than {} levels", kMaxJsonDepth));
  if (has_nul(text)) return fail(ErrorCode::kMalformed, "config: holds a NUL byte");
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return fail(ErrorCode::kMalformed, "config: expected a JSON object");

  FieldReader read(object);
  ModelConfig c;
  c.d_model = read.integer("d_model", 1, kMaxWidth);
  c.n_layers = read.integer("n_layers", 1, kMaxLayers);
  c.n_heads = read.integer("n_heads", 1, kMaxHeads);
  c.n_kv_heads = read.integer("n_kv_heads", 1, kMaxHeads);
  c.head_dim = read.integer("head_dim", 2, kMaxHeads);
  c.d_ff = read.integer("d_ff", 1, kMaxWidth);
  c.max_context = read.integer("max_context", 1, kMaxContext);
  c.rope_theta = read.positive_number("rope_theta");
  c.norm_eps = read.positive_number("norm_eps");
  c.window = read.integers("window", 0, kMaxContext, kMaxLayers);
  c.ngram_orders = read.integers("ngram_orders", 1, kMaxNgramOrder, kMaxNgramOrders);
  // Without n-gram tables their sizes mean nothing and may be left out.
  if (!c.ngram_orders.empty()) {
    c.ngram_rows = read.integer("ngram_rows", 1, kMaxNgramRows);
    c.ngram_dim = read.integer("ngram_dim", 1, kMaxWidth);
  }
  c.n_predict = read.integer("n_predict", 1, kMaxPredict);
  c.cell_dim = read.integer("cell_dim", 0, kMaxWidth);

  if (const auto kind = object.find("head_kind"); kind != object.end()) {
    if (*kind == "transformer") {
      c.head_kind = HeadKind::kTransformer;
    } else if (*kind != "linear") {
      read.reject("head_kind", "\"linear\" or \"transformer\"", *kind);
    }
  }
  if (const auto vocab = object.find("vocab_size"); vocab != object.end() && *vocab != 256) {
    read.reject("vocab_size", "256 (the byte values)", *vocab);
  }
  read.require(c.window.size() == static_cast<std::size_t>(c.n_layers),
               fmt::format("config.window: expected {} entries (n_layers), found {}", c.n_layers, c.window.size()));
  read.require(c.n_heads % c.n_kv_heads == 0,
               fmt::format("config.n_kv_heads: expected a divisor of n_heads ({}), found {}", c.n_heads, c.n_kv_heads));
  read.require(c.head_dim % 2 == 0, fmt::format("config.head_dim: expected an even number, found {}", c.head_dim));
  read.require((c.ngram_rows & (c.ngram_rows - 1)) == 0, fmt::format("config.ngram_rows: expected a power of two, found {}", c.ngram_rows));
  if (!read.error().empty()) return fail(ErrorCode::kMalformed, read.error());
  return c;
}

std::string to_json(const ModelConfig& c) {
  return json{{"d_model", c.d_model},           {"n_layers", c.n_layers},
              {"n_heads", c.n_heads},           {"n_kv_heads", c.n_kv_heads},
              {"head_dim", c.head_dim},         {"d_ff", c.d_ff},
              {"max_context", c.max_context},   {"rope_theta", c.rope_theta},
              {"norm_eps", c.norm_eps},         {"window", c.window},
              {"ngram_orders", c.ngram_orders}, {"ngram_rows", c.ngram_rows},
              {"ngram_dim", c.ngram_dim},       {"n_predict", c.n_predict},
              {"cell_dim", c.cell_dim},         {"head_kind", c.head_kind == HeadKind::kLinear ? "linear" : "transformer"}}
      .dump();
}

std::vector<TensorSpec> expected_tensors(const ModelConfig& c) {
  const std::int64_t d = c.d_model;
  const std::int64_t r = c.cell_dim;
  std::vector<TensorSpec> out;
  out.push_back({"embed", {256, d}});
  for (int i = 0; i < c.n_orders(); ++i) out.push_back({fmt::format("ngram.{}", i), {c.ngram_rows, c.ngram_dim}});
  if (c.n_orders() > 0) out.push_back({"ngram_proj", {d, std::int64_t{c.ngram_dim} * c.n_orders()}});
  for (int i = 0; i < c.n_layers; ++i) add_block(out, c, fmt::format("layers.{}.", i));
  out.push_back({"final_norm", {d}});
  out.push_back({"unembed", {c.n_predict, 256, d}});
  if (c.head_kind == HeadKind::kTransformer) {
    for (int i = 0; i < c.n_predict; ++i) add_block(out, c, fmt::format("heads.{}.", i));
  }
  if (r > 0) {
    for (const char* name : {"cell.in", "cell.embed", "cell.gate"}) out.push_back({name, {r, d}});
    out.push_back({"cell.recur", {r, r}});
    out.push_back({"cell.out", {256, r}});
  }
  return out;
}

ParameterCount count_parameters(const ModelConfig& config) {
  ParameterCount count;
  for (const TensorSpec& spec : expected_tensors(config)) {
    std::int64_t size = 1;
    for (const std::int64_t extent : spec.shape) size *= extent;
    const bool is_table = spec.name == "embed" || (spec.name.starts_with("ngram.") && spec.name != "ngram_proj");
    (is_table ? count.tables : count.dense) += size;
  }
  return count;
}

}  // namespace octet::bytemodel

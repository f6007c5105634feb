#include "bytemodel/training/train_options.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace octet::bytemodel::training {

using nlohmann::json;

bool TrainOptions::operator==(const TrainOptions& other) const { return to_json(*this) == to_json(other); }

std::string to_json(const TrainOptions& o) {
  return json{
      {"model", json::parse(to_json(o.model))},
      {"context", o.data.context},
      {"middle_share", o.data.middle_share},
      {"max_suffix_bytes", o.data.max_suffix_bytes},
      {"muon_rate", o.optimiser.muon_rate},
      {"adam_rate", o.optimiser.adam_rate},
      {"table_rate", o.optimiser.table_rate},
      {"momentum", o.optimiser.momentum},
      {"beta1", o.optimiser.beta1},
      {"beta2", o.optimiser.beta2},
      {"weight_decay", o.optimiser.weight_decay},
      {"head_schedule", name(o.schedule.heads)},
      {"extra_weight", o.schedule.extra_weight},
      {"warm_up", o.schedule.warm_up},
      {"cooldown", o.schedule.cooldown},
      {"total_bytes", o.total_bytes},
      {"batch", o.batch},
      {"n_workers", o.n_workers},
      {"seed", o.seed},
      {"precision", name(o.precision)},
  }
      .dump();
}

Result<TrainOptions> parse_train_options(std::string_view text) {
  const json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return fail(ErrorCode::kMalformed, "training options: expected a JSON object");
  TrainOptions o;
  std::string wrong;
  const auto read = [&object, &wrong](const char* key, auto& field) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_number()) {
      field = found->get<std::remove_reference_t<decltype(field)>>();
    } else if (wrong.empty()) {
      wrong = key;
    }
  };
  read("context", o.data.context);
  read("middle_share", o.data.middle_share);
  read("max_suffix_bytes", o.data.max_suffix_bytes);
  read("muon_rate", o.optimiser.muon_rate);
  read("adam_rate", o.optimiser.adam_rate);
  read("table_rate", o.optimiser.table_rate);
  read("momentum", o.optimiser.momentum);
  read("beta1", o.optimiser.beta1);
  read("beta2", o.optimiser.beta2);
  read("weight_decay", o.optimiser.weight_decay);
  read("extra_weight", o.schedule.extra_weight);
  read("warm_up", o.schedule.warm_up);
  read("cooldown", o.schedule.cooldown);
  read("total_bytes", o.total_bytes);
  read("batch", o.batch);
  read("n_workers", o.n_workers);
  read("seed", o.seed);
  if (!wrong.empty()) return fail(ErrorCode::kMalformed, fmt::format("training options: {}: expected a number", wrong));
  if (o.batch < 1 || o.n_workers < 1 || o.total_bytes == 0) {
    return fail(ErrorCode::kMalformed, "training options: batch, n_workers and total_bytes: expected positive numbers");
  }
  const auto word = [&object](const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const Result<HeadSchedule> heads = head_schedule_from_name(word("head_schedule"));
  if (!heads) return tl::unexpected(heads.error());
  const Result<Precision> precision = precision_from_name(word("precision"));
  if (!precision) return tl::unexpected(precision.error());
  const Result<ModelConfig> model = parse_model_config(object.value("model", json()).dump());
  if (!model) return tl::unexpected(model.error());
  o.precision = *precision;
  o.schedule.heads = *heads;
  o.schedule.n_predict = model->n_predict;
  o.model = *model;
  o.data.seed = o.seed;
  return o;
}

ModelConfig default_model(int d_model, int n_layers, int context, int n_predict) {
  ModelConfig c;
  c.d_model = d_model;
  c.n_layers = n_layers;
  c.head_dim = 64;
  c.n_heads = std::max(1, d_model / c.head_dim);
  c.n_kv_heads = c.n_heads % 2 == 0 ? c.n_heads / 2 : 1;
  c.d_ff = (d_model * 11 / 4 + 31) / 32 * 32;
  c.max_context = context;
  c.rope_theta = 10000;
  c.norm_eps = 1e-5;
  // Two layers see everything, the middle one and the last: what the others need is near.
  for (int layer = 0; layer < n_layers; ++layer) c.window.push_back(layer == n_layers / 2 || layer == n_layers - 1 ? 0 : 256);
  c.ngram_orders = {3, 4, 5, 6, 8};
  c.ngram_rows = 1 << 15;
  c.ngram_dim = 32;
  c.n_predict = n_predict;
  c.head_kind = HeadKind::kLinear;
  return c;
}

}  // namespace octet::bytemodel::training

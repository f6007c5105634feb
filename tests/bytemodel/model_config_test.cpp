// The configuration of a model: every field missing, of the wrong type, out of range or at odds with another one is refused by
// name; what is accepted survives the way to JSON and back; the tensors that follow from it are those of FORMAT.md.
#include "bytemodel/model_config.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::HeadKind;
using bytemodel::ModelConfig;
using bytemodel::parse_model_config;
using nlohmann::json;

json valid_json() { return json::parse(bytemodel::to_json(smallest_config(HeadKind::kLinear))); }

/// `config` is refused, and the message begins with "config.<field>".
void check_refused(const json& config, const std::string& field) {
  const std::string text = config.dump();
  CAPTURE(text, field);
  const auto parsed = parse_model_config(text);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == ErrorCode::kMalformed);
  CHECK_THAT(parsed.error().message, Catch::StartsWith("config." + field));
  CHECK(parsed.error().message.size() < 300);
}

void check_refused_with(const std::string& field, const json& value) {
  json config = valid_json();
  config[field] = value;
  check_refused(config, field);
}

struct Range {
  const char* field;
  std::int64_t min;
  std::int64_t max;
};

// FORMAT.md sets the lower ends; the upper ones are the reader's own.
constexpr Range kRanges[] = {{"d_model", 1, 1 << 16},   {"n_layers", 1, 1 << 10}, {"n_heads", 1, 1 << 10},     {"n_kv_heads", 1, 1 << 10},
                             {"head_dim", 2, 1 << 10},  {"d_ff", 1, 1 << 16},     {"max_context", 1, 1 << 20}, {"ngram_rows", 1, 1 << 24},
                             {"ngram_dim", 1, 1 << 16}, {"n_predict", 1, 64},     {"cell_dim", 0, 1 << 16}};

rc::Gen<ModelConfig> valid_configs() {
  return rc::gen::exec([] {
    ModelConfig c;
    c.d_model = *rc::gen::inRange(1, 65537);
    c.n_layers = *rc::gen::inRange(1, 20);
    c.n_kv_heads = *rc::gen::inRange(1, 33);
    c.n_heads = c.n_kv_heads * *rc::gen::inRange(1, 33);
    c.head_dim = 2 * *rc::gen::inRange(1, 513);
    c.d_ff = *rc::gen::inRange(1, 65537);
    c.max_context = *rc::gen::inRange(1, (1 << 20) + 1);
    c.rope_theta = std::exp(*rc::gen::inRange(-2000, 2000) / 100.0);
    c.norm_eps = 1.0 / *rc::gen::inRange(1, 1 << 30);
    c.window = *rc::gen::container<std::vector<int>>(static_cast<std::size_t>(c.n_layers), rc::gen::inRange(0, (1 << 20) + 1));
    c.ngram_orders = *rc::gen::container<std::vector<int>>(*rc::gen::inRange<std::size_t>(0, 17), rc::gen::inRange(1, 33));
    if (!c.ngram_orders.empty()) {
      c.ngram_rows = 1 << *rc::gen::inRange(0, 25);
      c.ngram_dim = *rc::gen::inRange(1, 65537);
    }
    c.n_predict = *rc::gen::inRange(1, 65);
    c.cell_dim = *rc::gen::inRange(0, 65537);
    c.head_kind = *rc::gen::element(HeadKind::kLinear, HeadKind::kTransformer);
    return c;
  });
}

std::int64_t count(const ModelConfig& config) {
  const auto counted = bytemodel::count_parameters(config);
  return counted.dense + counted.tables;
}

}  // namespace

TEST_CASE("a field that is missing is named") {
  json names = valid_json();
  names.erase("head_kind");  // linear where absent
  REQUIRE(names.size() == 15);
  for (const auto& [field, value] : names.items()) {
    json config = valid_json();
    config.erase(field);
    check_refused(config, field + ": missing");
  }
  json config = valid_json();
  config.erase("head_kind");
  REQUIRE(parse_model_config(config.dump()).has_value());
  CHECK(parse_model_config(config.dump())->head_kind == HeadKind::kLinear);
}

TEST_CASE("a field of the wrong type is named") {
  const std::vector<json> not_integers = {nullptr, true, "4", 4.0, 4.5, json::array(), json::array({4}), json::object(), 1e30};
  for (const Range& range : kRanges) {
    for (const json& value : not_integers) check_refused_with(range.field, value);
  }
  for (const char* field : {"rope_theta", "norm_eps"}) {
    for (const json& value : std::vector<json>{nullptr, true, "1", json::array({1.0}), json::object(), 0, 0.0, -1, -1e-5})
      check_refused_with(field, value);
  }
  for (const char* field : {"window", "ngram_orders"}) {
    for (const json& value : std::vector<json>{nullptr, true, "8", 8, 8.5, json::object(), json{{"0", 8}, {"1", 0}}})
      check_refused_with(field, value);
    for (const json& element : not_integers) {
      json config = valid_json();
      config[field][1] = element;
      check_refused(config, std::string(field) + "[1]");
    }
  }
  for (const json& value : std::vector<json>{nullptr, true, 0, "", "Linear", "parallel", json::array({"linear"}), json::object()}) {
    check_refused_with("head_kind", value);
  }
  for (const json& value : std::vector<json>{nullptr, 255, 257, "256", json::array({256})}) check_refused_with("vocab_size", value);
}

TEST_CASE("an integer out of its range is named") {
  for (const Range& range : kRanges) {
    for (const json& value :
         std::vector<json>{range.min - 1, range.max + 1, -1, INT64_MIN, INT64_MAX, UINT64_MAX, (std::int64_t{1} << 32) + range.min}) {
      if (value == range.min) continue;
      check_refused_with(range.field, value);
    }
  }
  for (const int window : {-1, (1 << 20) + 1}) check_refused_with("window", {0, window});
  for (const int order : {-1, 0, 33}) check_refused_with("ngram_orders", {2, order});
  check_refused_with("ngram_orders", std::vector<int>(17, 2));
  check_refused_with("window", std::vector<int>(1025, 0));
}

TEST_CASE("the ends of every range are accepted") {
  for (const Range& range : kRanges) {
    for (const std::int64_t value : {range.min, range.max}) {
      json config = valid_json();
      config[range.field] = value;
      // The fields that others must agree with bring those along.
      if (range.field == std::string("n_layers")) config["window"] = std::vector<int>(static_cast<std::size_t>(value), 0);
      if (range.field == std::string("n_kv_heads")) config["n_heads"] = value;
      CAPTURE(range.field, value);
      const auto parsed = parse_model_config(config.dump());
      INFO((parsed ? "accepted" : parsed.error().message));
      CHECK(parsed.has_value());
    }
  }
}

TEST_CASE("fields that contradict each other are refused by name") {
  check_refused_with("window", json::array());
  check_refused_with("window", {0});
  check_refused_with("window", {0, 0, 0});
  check_refused_with("n_layers", 0);
  json layers = valid_json();
  layers["n_layers"] = 3;
  check_refused(layers, "window");
  for (const int n_kv_heads : {3, 4, 1024}) check_refused_with("n_kv_heads", n_kv_heads);
  for (const int head_dim : {3, 5, 1023}) check_refused_with("head_dim", head_dim);
  for (const int rows : {3, 5, 6, 7, 9, (1 << 24) - 1}) check_refused_with("ngram_rows", rows);
}

TEST_CASE("text that is no configuration is refused") {
  const std::string deep = std::string(65, '[') + std::string(65, ']');
  for (const std::string& text : {std::string(), std::string("{"), std::string("[]"), std::string("1"), std::string("null"),
                                  std::string("\"x\""), std::string("{} {}"), std::string("{\"d_model\":1e999}"),
                                  std::string("{\"\xFF\":1}"), std::string("{'d_model':1}"), deep, std::string(1000000, '[')}) {
    CAPTURE(text.substr(0, 80));
    const auto parsed = parse_model_config(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == ErrorCode::kMalformed);
    CHECK_THAT(parsed.error().message, Catch::StartsWith("config: "));
  }
}

TEST_CASE("text behind a NUL in a configuration is not ignored") {
  // Metadata can hold a NUL, written as an escape.
  const std::string valid = valid_json().dump();
  REQUIRE(parse_model_config(valid).has_value());
  for (const std::string& tail : {std::string(1, '\0'), std::string("\0x", 2), std::string("\0{}", 3)}) {
    CHECK_FALSE(parse_model_config(valid + tail).has_value());
  }
}

TEST_CASE("a field found with a very long value or broken text is quoted briefly") {
  check_refused_with("d_model", std::string(100000, 'x'));
  check_refused_with("head_kind", std::string(100000, 'x'));
  check_refused_with("window", json(std::vector<int>(2000, 1)));
}

TEST_CASE("fields that FORMAT.md does not list are ignored") {
  json config = valid_json();
  config["vocab_size"] = 256;
  config["comment"] = "added by a later version";
  config["d_models"] = json::array({1, "x", nullptr});
  config[""] = json::object();
  const auto parsed = parse_model_config(config.dump());
  REQUIRE(parsed.has_value());
  CHECK(*parsed == smallest_config(HeadKind::kLinear));
}

TEST_CASE("sizes of n-gram tables may be left out where there are none") {
  json config = valid_json();
  config["ngram_orders"] = json::array();
  config.erase("ngram_rows");
  config.erase("ngram_dim");
  const auto parsed = parse_model_config(config.dump());
  REQUIRE(parsed.has_value());
  for (const auto& spec : bytemodel::expected_tensors(*parsed)) CHECK_THAT(spec.name, !Catch::StartsWith("ngram"));
}

TEST_CASE("a configuration survives the way to JSON and back") {
  CHECK(rc::check("parse(to_json(c)) == c", [] {
    const ModelConfig config = *valid_configs();
    const auto parsed = parse_model_config(bytemodel::to_json(config));
    if (!parsed) RC_FAIL(parsed.error().message);
    RC_ASSERT(*parsed == config);
  }));
}

TEST_CASE("expected tensors have names of their own and shapes that follow from the configuration") {
  CHECK(rc::check("counts add up", [] {
    const ModelConfig c = *valid_configs();
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const auto& spec : bytemodel::expected_tensors(c)) RC_ASSERT(shapes.emplace(spec.name, spec.shape).second);
    const bool has_head_blocks = c.head_kind == HeadKind::kTransformer;
    const std::size_t n_blocks = static_cast<std::size_t>(c.n_layers + (has_head_blocks ? c.n_predict : 0));
    const std::size_t n_ngram = c.ngram_orders.empty() ? 0 : c.ngram_orders.size() + 1;
    RC_ASSERT(shapes.size() == 3 + n_ngram + 11 * n_blocks + (c.cell_dim > 0 ? 5U : 0U));
    RC_ASSERT(shapes.contains("layers." + std::to_string(c.n_layers - 1) + ".down_proj"));
    RC_ASSERT(!shapes.contains("layers." + std::to_string(c.n_layers) + ".down_proj"));
    RC_ASSERT(shapes.contains("heads." + std::to_string(c.n_predict - 1) + ".q_proj") == has_head_blocks);

    const std::int64_t d = c.d_model;
    const std::int64_t q = std::int64_t{c.n_heads} * c.head_dim;
    const std::int64_t kv = std::int64_t{c.n_kv_heads} * c.head_dim;
    const std::int64_t block = 2 * d + 2 * q * d + 2 * kv * d + 2 * c.head_dim + 3 * d * c.d_ff;
    const std::int64_t orders = c.n_orders();
    const std::int64_t r = c.cell_dim;
    RC_ASSERT(bytemodel::count_parameters(c).tables == 256 * d + orders * c.ngram_rows * c.ngram_dim);
    RC_ASSERT(bytemodel::count_parameters(c).dense == orders * c.ngram_dim * d + static_cast<std::int64_t>(n_blocks) * block + d +
                                                          std::int64_t{256} * c.n_predict * d + 3 * r * d + r * r + 256 * r);
  }));
}

TEST_CASE("the tensors of the smallest model are those of the format's table, in its order") {
  std::vector<std::string> found;
  for (const auto& spec : bytemodel::expected_tensors(smallest_config(HeadKind::kLinear))) {
    std::string text = spec.name;
    for (const std::int64_t extent : spec.shape) text.append(" ").append(std::to_string(extent));
    found.push_back(text);
  }
  const std::vector<std::string> block = {"attn_norm 4", "ffn_norm 4", "q_proj 4 4",    "k_proj 2 4",  "v_proj 2 4",   "o_proj 4 4",
                                          "q_norm 2",    "k_norm 2",   "gate_proj 6 4", "up_proj 6 4", "down_proj 4 6"};
  std::vector<std::string> expected = {"embed 256 4", "ngram.0 8 3", "ngram.1 8 3", "ngram_proj 4 6"};
  for (const char* layer : {"layers.0.", "layers.1."}) {
    for (const std::string& tensor : block) expected.push_back(layer + tensor);
  }
  for (const char* tensor :
       {"final_norm 4", "unembed 3 256 4", "cell.in 5 4", "cell.embed 5 4", "cell.gate 5 4", "cell.recur 5 5", "cell.out 256 5"}) {
    expected.push_back(tensor);
  }
  CHECK(found == expected);
}

TEST_CASE("the shipped models have the number of parameters that their card states") {
  const auto seed = bytemodel::count_parameters(load_model("seed").config());
  CHECK(seed.dense == 2671296);
  CHECK(seed.tables == 5292032);
  for (const std::string name : {"seed", "tiny-linear", "tiny-transformer"}) {
    const auto model = load_model(name);
    std::int64_t stored = 0;
    for (const auto& tensor : model.file().tensors()) stored += static_cast<std::int64_t>(tensor.f32().size());
    CHECK(count(model.config()) == stored);
  }
}

}  // namespace octet::tests

#include "tests/support/golden.h"

#include <cmath>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

namespace octet::tests {
namespace {

std::vector<std::uint8_t> from_hex(const std::string& hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace

std::filesystem::path source_dir() { return OCTET_SOURCE_DIR; }

std::vector<GoldenCase> load_golden(const std::string& name) {
  std::ifstream file(source_dir() / "tests/golden" / ("golden-" + name + ".json"));
  const auto document = nlohmann::json::parse(file);
  std::vector<GoldenCase> cases;
  for (const auto& c : document.at("cases")) {
    cases.push_back({c.at("name"), from_hex(c.at("prompt_hex")), c.at("hidden_last"), c.at("head_logits_last"), c.at("draft"),
                     c.at("draft_logits_last"), c.at("bits_per_byte"), from_hex(c.at("continuation_hex")), c.at("gains"), c.at("margins")});
  }
  return cases;
}

std::filesystem::path model_path(const std::string& name) {
  const std::filesystem::path root = source_dir();
  if (name == "default") return root / "bytemodel/weights/octet.safetensors";
  return root / "tests/golden" / (name == "seed" ? "octet-seed.safetensors" : name + ".safetensors");
}

bytemodel::ModelFile load_model(const std::string& name) {
  auto model = bytemodel::ModelFile::read(model_path(name));
  if (!model) throw std::runtime_error(model.error().message);
  return std::move(*model);
}

double relative_distance(const std::vector<double>& expected, const float* found) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / norm);
}

}  // namespace octet::tests

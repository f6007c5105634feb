// From a file name to a runner: what is refused, and why.
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "bytemodel/model_writer.h"
#include "engine/model/open_runner.h"
#include "tests/support/golden.h"
#include "tests/support/models.h"

namespace octet::tests {
namespace {

/// Opens a model of zeros with this configuration.
Result<engine::OpenedModel> open_zeros(const bytemodel::ModelConfig& config) {
  const auto path = std::filesystem::temp_directory_path() / ("octet-open-runner-" + std::to_string(::getpid()) + ".safetensors");
  std::vector<std::vector<std::byte>> blocks;
  std::vector<bytemodel::TensorView> tensors;
  for (const auto& spec : bytemodel::expected_tensors(config)) {
    std::size_t n = sizeof(float);
    for (const auto extent : spec.shape) n *= static_cast<std::size_t>(extent);
    blocks.emplace_back(n);
    tensors.push_back({spec.name, bytemodel::DType::kF32, spec.shape, blocks.back()});
  }
  REQUIRE(bytemodel::write_model(path, tensors, config, "zeros").has_value());
  engine::RunnerOptions options;
  options.model = path;
  auto opened = engine::open_runner(options);
  std::filesystem::remove(path);
  return opened;
}

bytemodel::ModelConfig tiny_config() { return load_model("tiny-linear").config(); }

}  // namespace

TEST_CASE("a model of zeros opens and says what it is") {
  const auto opened = open_zeros(tiny_config());
  REQUIRE(opened.has_value());
  CHECK(opened->info.name == "zeros");
  CHECK(opened->info.device == "cpu");
  CHECK(opened->info.max_context == 512);
  CHECK(opened->info.sha256.size() == 64);
}

TEST_CASE("a well-formed file that asks for terabytes of cache is refused by name") {
  auto config = tiny_config();
  config.d_model = 1;
  config.n_heads = config.n_kv_heads = 1024;
  config.head_dim = 64;
  config.max_context = 1 << 20;
  const auto opened = open_zeros(config);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == ErrorCode::kTooLarge);
  CHECK_THAT(opened.error().message, Catch::Contains("max_context"));
}

TEST_CASE("a context without room for a prompt is refused by name") {
  auto config = tiny_config();
  config.max_context = 255;
  const auto opened = open_zeros(config);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == ErrorCode::kUnsupported);
  CHECK_THAT(opened.error().message, Catch::Contains("max_context"));
}

TEST_CASE("a device, a profile or an instruction set that is not there is refused by name") {
  for (const std::string profile : {"f32", "int8"}) {
    engine::RunnerOptions options;
    options.model = model_path("tiny-linear");
    options.profile = profile;
    engine::RunnerOptions device = options;
    device.device = "cuda";
    if (profile == "int8") device.forced_isa = "cuda";
    engine::RunnerOptions isa = options;
    isa.forced_isa = "sse9";
    for (const auto& [refused, named] : {std::pair{device, "cuda"}, std::pair{isa, "sse9"}}) {
      const auto opened = engine::open_runner(refused);
      REQUIRE_FALSE(opened.has_value());
      CHECK(opened.error().code == ErrorCode::kUnsupported);
      CHECK_THAT(opened.error().message, Catch::Contains(named));
    }
  }
  engine::RunnerOptions options;
  options.model = model_path("tiny-linear");
  options.profile = "f16";
  const auto opened = engine::open_runner(options);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(opened.error().message, Catch::Contains("f16"));
}

TEST_CASE("a matrix that holds no number is refused by name in int8, which has to quantise it, and taken in f32") {
  const auto path = std::filesystem::temp_directory_path() / ("octet-open-runner-" + std::to_string(::getpid()) + ".safetensors");
  write_random_model(path, tiny_config(), 1, "layers.0.up_proj");
  engine::RunnerOptions options;
  options.model = path;
  const auto refused = engine::open_runner(options);
  options.profile = "f32";
  const auto taken = engine::open_runner(options);
  std::filesystem::remove(path);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kInvalidArgument);
  CHECK_THAT(refused.error().message, Catch::Contains(path.string()) && Catch::Contains("layers.0.up_proj") && Catch::Contains("nan"));
  CHECK(taken.has_value());
}

TEST_CASE("int8 is the profile, and the threads are as asked") {
  engine::RunnerOptions options;
  options.model = model_path("tiny-linear");
  options.threads = 3;
  const auto opened = engine::open_runner(options);
  REQUIRE(opened.has_value());
  CHECK(opened->info.profile == "int8");
  CHECK(opened->info.threads == 3);
  options.threads = 0;
  const auto automatic = engine::open_runner(options);
  REQUIRE(automatic.has_value());
  CHECK(automatic->info.threads >= 1);
  CHECK(automatic->info.threads <= 4);
}

}  // namespace octet::tests

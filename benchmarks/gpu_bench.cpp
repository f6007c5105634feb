#include "benchmarks/gpu_bench.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <utility>

#include <unistd.h>

#include "benchmarks/gpu_roofline.h"
#include "benchmarks/random_model.h"
#include "benchmarks/report.h"
#include "engine/model/cuda_library.h"
#include "engine/model/cuda_runner.h"
#include "engine/model/int8_runner.h"
#include "engine/model/open_runner.h"
#include "engine/stage_times.h"

namespace octet::benchmarks {
namespace {

using bytemodel::ModelConfig;
using engine::CudaRunner;
using engine::ModelRunner;
using engine::Stopwatch;
using Rows = ModelRunner::Rows;
using Bytes = std::vector<std::uint8_t>;

constexpr const char* kDefaultShapes[] = {"default", "640,20,10,5,1728,2048", "2048,22,16,8,5632,2048", "4096,32,32,8,11008,2048"};
constexpr int kMaxPositions = 8;

Bytes made_up_text(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  Bytes text(n);
  for (auto& byte : text) byte = static_cast<std::uint8_t>('a' + random() % 26);
  return text;
}

/// A random model of this configuration, or the default model.
Result<bytemodel::ModelFile> make_model(const ModelConfig& config) {
  const auto path = std::filesystem::temp_directory_path() / ("octet-gpu-" + std::to_string(::getpid()) + ".safetensors");
  const auto written = write_random_model(path, config);
  auto model = written ? bytemodel::ModelFile::read(path) : tl::unexpected(written.error());
  std::filesystem::remove(path);
  return model;
}

Result<bytemodel::ModelFile> model_of(const std::string& shape) {
  if (shape == "default") return bytemodel::ModelFile::read(engine::default_model_candidates().back());
  const auto config = parse_shape(shape, ShapeKind::kOctet);
  if (!config) return tl::unexpected(config.error());
  return make_model(*config);
}

std::unique_ptr<ModelRunner> on_cpu(bytemodel::ModelFile model) {
  return std::make_unique<engine::Int8Runner>(std::move(model), *kernels::int8::select(""), std::min(engine::usable_cores(), 16U));
}

Result<std::unique_ptr<CudaRunner>> on_gpu(bytemodel::ModelFile model) {
  auto device = engine::open_cuda_device();
  if (!device) return tl::unexpected(device.error());
  auto steps = engine::CudaSteps::open(model, kernels::cuda::Format::kInt8, std::move(*device), 0);
  if (!steps) return tl::unexpected(steps.error());
  return std::make_unique<CudaRunner>(std::move(model), std::move(*steps), on_cpu);
}

ModelConfig random_config(std::mt19937& random) {
  const auto below = [&](std::uint32_t n) { return static_cast<int>(random() % n); };
  ModelConfig c = *parse_shape("64,2,2,1,96,512", ShapeKind::kOctet);
  c.d_model = 16 + below(200);
  c.n_kv_heads = 1 + below(3);
  c.n_heads = c.n_kv_heads * (1 + below(3));
  c.head_dim = 2 * (1 + below(32));
  c.d_ff = 16 + below(300);
  c.n_layers = 1 + below(3);
  c.window.clear();
  for (int i = 0; i < c.n_layers; ++i) c.window.push_back(below(2) * (1 + below(300)));
  c.ngram_rows = 256;
  c.n_predict = 1 + below(6);
  c.head_kind = below(2) == 0 ? bytemodel::HeadKind::kLinear : bytemodel::HeadKind::kTransformer;
  c.cell_dim = below(2) * (1 + below(100));
  return c;
}

bool is_same(engine::LogitsRow a, engine::LogitsRow b) { return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0; }

/// Rows and proposals of both behind `n` bytes in pieces of all lengths; how many rows differ.
std::size_t count_differences(ModelRunner& expected, ModelRunner& found, std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  const Bytes text = made_up_text(n, seed);
  const auto expected_cache = expected.new_cache();
  const auto found_cache = found.new_cache();
  std::size_t n_different = 0;
  for (std::size_t at = 0; at < n;) {
    const auto piece = std::span(text).subspan(at, std::min<std::size_t>(n - at, 1 + random() % 20));
    const auto a = expected.forward(piece, *expected_cache, Rows::kAll);
    const auto b = found.forward(piece, *found_cache, Rows::kAll);
    for (std::size_t i = 0; i < a.size(); ++i) n_different += is_same(a[i], b[i]) ? 0 : 1;
    expected.begin_draft(piece.size() - 1, *expected_cache);
    found.begin_draft(piece.size() - 1, *found_cache);
    for (int head = 1; head < expected.config().n_predict; ++head) {
      const auto byte = static_cast<std::uint8_t>('a' + random() % 26);
      n_different += is_same(expected.next_draft(byte), found.next_draft(byte)) ? 0 : 1;
    }
    at += piece.size();
  }
  return n_different;
}

/// Bytes a second that the GPU's memory copies, both ways counted.
double copy_bytes_per_s(kernels::cuda::Device& device) {
  const std::size_t n = std::min<std::size_t>(std::size_t{512} << 20, device.free_bytes() / 4);
  void* from = device.allocate(n);
  void* to = device.allocate(n);
  double best_ms = 1e9;
  for (int i = 0; i < 5; ++i) {
    const Stopwatch stopwatch;
    device.copy(to, from, n);
    if (!device.wait(10'000)) return 0;
    best_ms = std::min(best_ms, stopwatch.elapsed_ms());
  }
  device.release(from);
  device.release(to);
  return 2.0 * static_cast<double>(n) / best_ms * 1e3;
}

/// Median milliseconds of f().
template <class F>
double median_ms(int repetitions, F f) {
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const Stopwatch stopwatch;
    f();
    times.push_back(stopwatch.elapsed_ms());
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return times[times.size() / 2];
}

/// What a step of one position reads and computes.
StepWork work_of(const ModelConfig& c, std::size_t context, int n_launches) {
  const auto parameters = bytemodel::count_parameters(c);
  const double heads = 256.0 * c.d_model * (c.n_predict - 1);  // and of the primary one
  const double cell = c.cell_dim == 0 ? 0 : static_cast<double>(c.cell_dim) * (3.0 * c.d_model + c.cell_dim + 256);
  const double dense = static_cast<double>(parameters.dense) - heads - cell;
  double kv = 0;
  for (const int window : c.window) {
    const std::size_t seen = window == 0 ? context : std::min<std::size_t>(context, static_cast<std::size_t>(window));
    kv += static_cast<double>(seen) * c.n_kv_heads * (2.0 * c.head_dim + 8);
  }
  const double group = static_cast<double>(c.n_heads) / c.n_kv_heads;
  return {dense + kv, dense + group * kv, n_launches};
}

Result<nlohmann::json> time_shape(const std::string& shape, const GpuOptions& options, double copy_bytes_per_s) {
  auto model = model_of(shape);
  if (!model) return tl::unexpected(model.error());
  auto runner = on_gpu(std::move(*model));
  if (!runner) return tl::unexpected(runner.error());
  const ModelConfig& c = (*runner)->config();
  const auto parameters = bytemodel::count_parameters(c);
  const std::size_t context = std::min(options.context, static_cast<std::size_t>(c.max_context) - 64);
  const auto cache = (*runner)->new_cache();
  const Bytes text = made_up_text(context, 1);
  const Stopwatch prefilling;
  for (std::size_t at = 0; at < context; at += 64) {
    (*runner)->forward(std::span(text).subspan(at, std::min<std::size_t>(64, context - at)), *cache, Rows::kLast);
  }
  const double prefill = static_cast<double>(context) / prefilling.elapsed_ms() * 1e3;

  const StepWork work = work_of(c, context, (*runner)->steps().n_launches());
  print(stdout,
        "\n== {}: {:.3f}B parameters in products, {:.3f}B in tables; {:.0f} MB of GPU memory; {} launches a step; behind {} bytes\n", shape,
        static_cast<double>(parameters.dense) / 1e9, static_cast<double>(parameters.tables) / 1e9,
        static_cast<double>((*runner)->steps().memory_bytes()) / 1e6, work.n_launches, context);
  print(stdout, "   prefill {:.0f} bytes/s\n   m   ms      T(m)/T(1)  GB/s   of copying\n", prefill);
  std::vector<double> step_ms;
  for (int m = 1; m <= kMaxPositions; ++m) {
    const auto step = [&] {
      (*runner)->forward(std::span(text).first(static_cast<std::size_t>(m)), *cache, Rows::kLast);
      cache->truncate(context);
    };
    step();
    step_ms.push_back(median_ms(options.repetitions, step));
    const double rate = work.bytes / step_ms.back() * 1e3;
    print(stdout, "   {}   {:<7.3f} {:<10.3f} {:<6.0f} {:.1f} %\n", m, step_ms.back(), step_ms.back() / step_ms[0], rate / 1e9,
          100 * rate / copy_bytes_per_s);
  }
  const double drafted_ms = median_ms(options.repetitions, [&] {
    (*runner)->forward(std::span(text).first(kMaxPositions), *cache, Rows::kAll);
    cache->truncate(context);
  });
  print(stdout, "   plain {:.0f} bytes/s; a step of {} with proposals {:.3f} ms: {:.0f} bytes/s where 3.5 are accepted\n", 1e3 / step_ms[0],
        kMaxPositions, drafted_ms, 3.5e3 / drafted_ms);
  nlohmann::json expected;
  print(stdout, "   expected, computed from data sheets, not measured:\n");
  for (const GpuSheet& gpu : known_gpus()) {
    const double one = expected_step_s(gpu, work, 1);
    const double eight = expected_step_s(gpu, work, kMaxPositions);
    print(stdout, "     {:<5} T(1) {:.3f} ms, T(8)/T(1) {:.3f}, plain {:.0f} bytes/s\n", gpu.name, one * 1e3, eight / one, 1 / one);
    expected[gpu.name] = {{"step_ms", one * 1e3}, {"step_of_8_ms", eight * 1e3}};
  }
  if (!(*runner)->trouble().empty()) return fail(ErrorCode::kUnsupported, (*runner)->trouble());
  return nlohmann::json{{"shape", shape},
                        {"parameters", parameters.dense},
                        {"context", context},
                        {"launches", work.n_launches},
                        {"step_ms", step_ms},
                        {"step_with_proposals_ms", drafted_ms},
                        {"prefill_bytes_per_s", prefill},
                        {"bytes_of_a_step", work.bytes},
                        {"computed", std::move(expected)}};
}

int report(const Error& error) {
  print(stderr, "octet-bench gpu: {}\n", error.message);
  return 1;
}

}  // namespace

int run_gpu(const GpuOptions& options) {
  auto device = engine::open_cuda_device();
  if (!device) return report(device.error());
  const std::string name = (*device)->name();
  const double copying = copy_bytes_per_s(**device);
  if ((*device)->error()[0] != '\0') return report({ErrorCode::kUnsupported, (*device)->error()});
  print(stdout, "{}; {:.1f} GB free, copies {:.0f} GB/s\n", name, static_cast<double>((*device)->free_bytes()) / 1e9, copying / 1e9);
  device->reset();

  std::size_t n_different = 0;
  for (int i = 0; i < options.models; ++i) {
    const auto seed = static_cast<std::uint32_t>(i);
    std::mt19937 random(seed);
    const ModelConfig config = random_config(random);
    auto expected = make_model(config);
    auto found = make_model(config);
    if (!expected || !found) return report(!expected ? expected.error() : found.error());
    const auto cpu = on_cpu(std::move(*expected));
    const auto gpu = on_gpu(std::move(*found));
    if (!gpu) return report(gpu.error());
    const std::size_t differences = count_differences(*cpu, **gpu, 300, seed);
    if (!(*gpu)->trouble().empty()) return report({ErrorCode::kUnsupported, (*gpu)->trouble()});
    if (differences > 0) print(stdout, "DIFFERENT: {} rows of {}\n", differences, bytemodel::to_json(config));
    n_different += differences;
  }
  print(stdout, "{} random models of 300 bytes each against the CPU: {} rows differ\n", options.models, n_different);

  std::vector<std::string> shapes = options.shapes;
  if (shapes.empty()) shapes.assign(std::begin(kDefaultShapes), std::end(kDefaultShapes));
  nlohmann::json timed = nlohmann::json::array();
  for (const auto& shape : shapes) {
    auto result = time_shape(shape, options, copying);
    if (!result) return report(result.error());
    timed.push_back(std::move(*result));
  }
  const nlohmann::json result{{"gpu", name},
                              {"copy_bytes_per_s", copying},
                              {"compared_models", options.models},
                              {"different_rows", n_different},
                              {"shapes", timed}};
  return write_json(options.json, result, "gpu") && n_different == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks

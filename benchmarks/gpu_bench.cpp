#include "benchmarks/gpu_bench.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <system_error>
#include <utility>

#include <unistd.h>

#include "benchmarks/gpu_roofline.h"
#include "benchmarks/random_model.h"
#include "benchmarks/report.h"
#include "engine/model/cuda_library.h"
#include "engine/model/cuda_runner.h"
#include "engine/model/f32_runner.h"
#include "engine/model/int8_runner.h"
#include "engine/model/open_runner.h"
#include "engine/stage_times.h"

namespace octet::benchmarks {
namespace {

using bytemodel::ModelConfig;
using engine::CudaRunner;
using engine::ModelRunner;
using engine::Stopwatch;
using kernels::cuda::Format;
using Rows = ModelRunner::Rows;
using Bytes = std::vector<std::uint8_t>;

constexpr const char* kDefaultShapes[] = {"default", "640,20,10,5,1728,2048", "2048,22,16,8,5632,2048", "4096,32,32,8,11008,2048"};
constexpr Format kFormats[] = {Format::kInt8, Format::kBf16};
constexpr int kMaxPositions = 8;
constexpr int kPrefills = 5;       // of each kind that are timed
constexpr double kAccepted = 3.5;  // bytes a step, as text has it
constexpr double kBf16Tolerance =
    0.1;  // of a row's norm, from the f32 profile's: random models attend sharply; 0.066 is the most that was seen

Bytes made_up_text(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  Bytes text(n);
  for (auto& byte : text) byte = static_cast<std::uint8_t>('a' + random() % 26);
  return text;
}

/// The default model, or a random one, which lies in a file as long as this lives: a runner takes a model away, and there are several.
class ModelSource {
 public:
  /// "default", or a shape.
  static Result<std::unique_ptr<ModelSource>> of_shape(const std::string& shape) {
    if (shape == "default") return std::unique_ptr<ModelSource>(new ModelSource(engine::default_model_candidates().back(), false));
    const auto config = parse_shape(shape, ShapeKind::kOctet);
    if (!config) return tl::unexpected(config.error());
    return random(*config);
  }
  static Result<std::unique_ptr<ModelSource>> random(const ModelConfig& config) {
    const auto path = std::filesystem::temp_directory_path() / ("octet-gpu-" + std::to_string(::getpid()) + ".safetensors");
    std::unique_ptr<ModelSource> source(new ModelSource(path, true));
    const auto written = write_random_model(path, config);
    if (!written) return tl::unexpected(written.error());
    return source;
  }
  ModelSource(const ModelSource&) = delete;
  ModelSource& operator=(const ModelSource&) = delete;
  ~ModelSource() {
    std::error_code ignored;
    if (is_own_) std::filesystem::remove(path_, ignored);
  }

  Result<bytemodel::ModelFile> read() const { return bytemodel::ModelFile::read(path_); }

 private:
  ModelSource(std::filesystem::path path, bool is_own) : path_(std::move(path)), is_own_(is_own) {}

  std::filesystem::path path_;
  bool is_own_;
};

const char* name_of(Format format) { return format == Format::kInt8 ? "int8" : "bf16"; }

/// What computes beside a GPU: the same in int8, f32 in place of bf16.
std::unique_ptr<ModelRunner> make_cpu_runner(bytemodel::ModelFile model, Format format) {
  if (format == Format::kBf16) return std::make_unique<engine::F32Runner>(std::move(model), *kernels::select_kernels(""));
  return std::make_unique<engine::Int8Runner>(std::move(model), *kernels::int8::select(""), std::min(engine::usable_cores(), 16U));
}

Result<std::unique_ptr<CudaRunner>> make_gpu_runner(bytemodel::ModelFile model, Format format) {
  auto device = engine::open_cuda_device();
  if (!device) return tl::unexpected(device.error());
  auto steps = engine::CudaSteps::open(model, format, std::move(*device), 0);
  if (!steps) return tl::unexpected(steps.error());
  return std::make_unique<CudaRunner>(std::move(model), std::move(*steps),
                                      [format](bytemodel::ModelFile file) { return make_cpu_runner(std::move(file), format); });
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

/// |a - b| of |a|, both taken as vectors.
double distance(engine::LogitsRow a, engine::LogitsRow b) {
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    error += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    norm += double{a[i]} * a[i];
  }
  return std::sqrt(error / norm);
}

/// How rows of a GPU compare with the CPU's.
struct Comparison {
  std::size_t n_different = 0;  // int8: a bit differs; bf16: further away than kBf16Tolerance
  std::size_t n_unstable = 0;   // rows that are others in a chunk than in a step: drafted text would not be plain text
  double largest_distance = 0;

  void add(engine::LogitsRow expected, engine::LogitsRow found, Format format) {
    const double d = distance(expected, found);
    const bool is_same =
        format == Format::kInt8 ? std::memcmp(expected.data(), found.data(), expected.size_bytes()) == 0 : d <= kBf16Tolerance;
    n_different += is_same ? 0 : 1;
    largest_distance = std::max(largest_distance, d);
  }
};

/// The text into a cache, up to `at_once` bytes a call.
void prefill(ModelRunner& runner, std::span<const std::uint8_t> text, engine::KvCache& cache, std::size_t at_once) {
  while (!text.empty()) {
    const std::size_t n = std::min({at_once, runner.max_prefill(), text.size()});
    runner.forward(text.first(n), cache, Rows::kLast);
    text = text.subspan(n);
  }
}

/// Rows and proposals of both behind `n` bytes in pieces of all lengths.
void compare(ModelRunner& expected, ModelRunner& found, std::size_t n, std::uint32_t seed, Format format, Comparison& result) {
  std::mt19937 random(seed);
  const Bytes text = made_up_text(n, seed);
  const auto expected_cache = expected.new_cache();
  const auto found_cache = found.new_cache();
  for (std::size_t at = 0; at < n;) {
    const auto piece = std::span(text).subspan(at, std::min<std::size_t>(n - at, 1 + random() % 20));
    const auto a = expected.forward(piece, *expected_cache, Rows::kAll);
    const auto b = found.forward(piece, *found_cache, Rows::kAll);
    for (std::size_t i = 0; i < a.size(); ++i) result.add(a[i], b[i], format);
    expected.begin_draft(piece.size() - 1, *expected_cache);
    found.begin_draft(piece.size() - 1, *found_cache);
    for (int head = 1; head < expected.config().n_predict; ++head) {
      const auto byte = static_cast<std::uint8_t>('a' + random() % 26);
      result.add(expected.next_draft(byte), found.next_draft(byte), format);
    }
    at += piece.size();
  }
}

/// The last row of each chunk of `n` bytes against the same bytes in pieces of one to eight.
void compare_splits(ModelRunner& runner, std::size_t n, std::uint32_t seed, Comparison& result) {
  std::mt19937 random(seed);
  const Bytes text = made_up_text(n, seed);
  const auto chunked = runner.new_cache();
  const auto stepped = runner.new_cache();
  while (chunked->length() < n) {
    const auto chunk = std::span(text).subspan(chunked->length(), std::min(runner.max_batch(), n - chunked->length()));
    const auto row = runner.forward(chunk, *chunked, Rows::kLast)[0];
    const std::vector<float> expected(row.begin(), row.end());
    while (stepped->length() < chunked->length()) {
      const std::size_t left = chunked->length() - stepped->length();
      const std::size_t n_piece = std::min<std::size_t>(left, 1 + random() % kMaxPositions);
      const auto rows = runner.forward(std::span(text).subspan(stepped->length(), n_piece), *stepped, Rows::kAll);
      if (n_piece == left && std::memcmp(rows[n_piece - 1].data(), expected.data(), 4 * expected.size()) != 0) ++result.n_unstable;
    }
  }
}

/// The last rows of long chunks, and a step behind them, against the CPU's. Without cuBLASLt they are chunks.
void compare_long_chunks(ModelRunner& expected, ModelRunner& found, std::uint32_t seed, Format format, Comparison& result) {
  const std::size_t longest = found.max_prefill();
  const Bytes text = made_up_text(longest, seed);
  for (const std::size_t n : {longest, longest / 2 + 7}) {
    const auto expected_cache = expected.new_cache();
    const auto found_cache = found.new_cache();
    const auto part = std::span(text).first(n);
    prefill(expected, part, *expected_cache, expected.max_prefill());
    prefill(found, part, *found_cache, longest);
    const auto step = std::span(text).first(kMaxPositions);
    const auto a = expected.forward(step, *expected_cache, Rows::kAll);
    const auto b = found.forward(step, *found_cache, Rows::kAll);
    for (std::size_t i = 0; i < a.size(); ++i) result.add(a[i], b[i], format);
  }
}

/// A random model in a format against the CPU, and against itself.
Result<void> compare_random_model(std::uint32_t seed, Format format, Comparison& result) {
  std::mt19937 random(seed);
  const ModelConfig config = random_config(random);
  const auto source = ModelSource::random(config);
  if (!source) return tl::unexpected(source.error());
  auto expected = (*source)->read();
  auto found = (*source)->read();
  if (!expected || !found) return tl::unexpected((!expected ? expected : found).error());
  const auto cpu = make_cpu_runner(std::move(*expected), format);
  const auto gpu = make_gpu_runner(std::move(*found), format);
  if (!gpu) return tl::unexpected(gpu.error());
  const std::size_t before = result.n_different;
  compare(*cpu, **gpu, 300, seed, format, result);
  compare_long_chunks(*cpu, **gpu, seed, format, result);
  compare_splits(**gpu, 200, seed, result);
  if (!(*gpu)->trouble().empty()) return fail(ErrorCode::kUnsupported, (*gpu)->trouble());
  if (result.n_different > before) {
    print(stdout, "DIFFERENT: {} rows of {} in {}\n", result.n_different - before, bytemodel::to_json(config), name_of(format));
  }
  return {};
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
StepWork work_of(const ModelConfig& c, Format format, std::size_t context, int n_launches) {
  const auto parameters = bytemodel::count_parameters(c);
  const double heads = 256.0 * c.d_model * (c.n_predict - 1);  // and of the primary one
  const double cell = c.cell_dim == 0 ? 0 : static_cast<double>(c.cell_dim) * (3.0 * c.d_model + c.cell_dim + 256);
  const double dense = static_cast<double>(parameters.dense) - heads - cell;
  const double number_bytes = kernels::cuda::number_bytes(format);
  double vectors = 0;  // keys and values
  for (const int window : c.window) {
    const std::size_t seen = window == 0 ? context : std::min<std::size_t>(context, static_cast<std::size_t>(window));
    vectors += 2.0 * static_cast<double>(seen) * c.n_kv_heads;
  }
  const double kv = vectors * c.head_dim;
  const double scales = format == Format::kInt8 ? vectors * sizeof(float) : 0;
  const double group = static_cast<double>(c.n_heads) / c.n_kv_heads;
  return {format == Format::kBf16, (dense + kv) * number_bytes + scales, dense + group * kv, n_launches};
}

Result<nlohmann::json> time_shape(const std::string& shape, const ModelSource& source, Format format, const GpuOptions& options,
                                  double copy_bytes_per_s) {
  auto model = source.read();
  if (!model) return tl::unexpected(model.error());
  auto runner = make_gpu_runner(std::move(*model), format);
  if (!runner) return tl::unexpected(runner.error());
  const ModelConfig& c = (*runner)->config();
  const auto parameters = bytemodel::count_parameters(c);
  const std::size_t context = std::min(options.context, static_cast<std::size_t>(c.max_context) - 64);
  const auto cache = (*runner)->new_cache();
  const Bytes text = made_up_text(context, 1);
  const auto prefill_rate = [&](std::size_t at_once) {
    const double ms = median_ms(kPrefills, [&] {
      cache->truncate(0);
      prefill(**runner, text, *cache, at_once);
    });
    return static_cast<double>(context) / ms * 1e3;
  };
  const double in_long_chunks = prefill_rate((*runner)->max_prefill());
  const double in_chunks = prefill_rate((*runner)->max_batch());

  const StepWork work = work_of(c, format, context, (*runner)->steps().n_launches());
  print(stdout,
        "\n== {} in {}: {:.3f}B parameters in products, {:.3f}B in tables; {:.0f} MB of GPU memory; {} launches a step; behind {} bytes\n",
        shape, name_of(format), static_cast<double>(parameters.dense) / 1e9, static_cast<double>(parameters.tables) / 1e9,
        static_cast<double>((*runner)->steps().memory_bytes()) / 1e6, work.n_launches, context);
  print(stdout, "   prefill {:.0f} bytes/s in chunks of {}, {:.0f} in chunks of {}\n", in_chunks, (*runner)->max_batch(), in_long_chunks,
        (*runner)->max_prefill());
  print(stdout, "   m   ms      T(m)/T(1)  GB/s   of copying\n");
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
  const double plain = 1e3 / step_ms[0];
  const double drafted = kAccepted * 1e3 / drafted_ms;
  print(stdout, "   plain {:.0f} bytes/s; a step of {} with proposals {:.3f} ms: {:.0f} bytes/s where {} are accepted\n", plain,
        kMaxPositions, drafted_ms, drafted, kAccepted);
  nlohmann::json expected;
  print(stdout, "   expected, computed from data sheets, not measured:\n");
  for (const GpuSheet& gpu : known_gpus()) {
    const double one = expected_step_s(gpu, work, 1);
    const double eight = expected_step_s(gpu, work, kMaxPositions);
    const double chunks = 64 / expected_step_s(gpu, work, 64);
    const double long_chunks = 512 / expected_long_chunk_s(gpu, work, 512);
    print(stdout,
          "     {:<5} T(1) {:.3f} ms, T(8)/T(1) {:.3f}, plain {:.0f} bytes/s; prefill in chunks of 64 {:.0f}, of 512 {:.0f} bytes/s\n",
          gpu.name, one * 1e3, eight / one, 1 / one, chunks, long_chunks);
    expected[gpu.name] = {{"step_ms", one * 1e3},
                          {"step_of_8_ms", eight * 1e3},
                          {"prefill_in_chunks_bytes_per_s", chunks},
                          {"prefill_bytes_per_s", long_chunks}};
  }
  if (!(*runner)->trouble().empty()) return fail(ErrorCode::kUnsupported, (*runner)->trouble());
  return nlohmann::json{{"shape", shape},
                        {"profile", name_of(format)},
                        {"parameters", parameters.dense},
                        {"context", context},
                        {"launches", work.n_launches},
                        {"step_ms", step_ms},
                        {"step_with_proposals_ms", drafted_ms},
                        {"plain_bytes_per_s", plain},
                        {"drafted_bytes_per_s", drafted},
                        {"max_prefill", (*runner)->max_prefill()},
                        {"prefill_bytes_per_s", in_long_chunks},
                        {"prefill_in_chunks_bytes_per_s", in_chunks},
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

  Comparison compared[2];
  for (const Format format : kFormats) {
    Comparison& result = compared[static_cast<std::size_t>(format)];
    for (int i = 0; i < options.models; ++i) {
      const auto done = compare_random_model(static_cast<std::uint32_t>(i), format, result);
      if (!done) return report(done.error());
    }
  }
  const auto& [int8, bf16] = compared;
  print(stdout,
        "{} random models of 300 bytes each against the CPU: in int8 {} rows differ; in bf16 {} are further from the f32 profile's than {} "
        "of "
        "their norm, the furthest {:.4f}; {} are others in a chunk than in a step\n",
        options.models, int8.n_different, bf16.n_different, kBf16Tolerance, bf16.largest_distance, int8.n_unstable + bf16.n_unstable);

  std::vector<std::string> shapes = options.shapes;
  if (shapes.empty()) shapes.assign(std::begin(kDefaultShapes), std::end(kDefaultShapes));
  nlohmann::json timed = nlohmann::json::array();
  for (const auto& shape : shapes) {
    const auto source = ModelSource::of_shape(shape);
    if (!source) return report(source.error());
    for (const Format format : kFormats) {
      auto result = time_shape(shape, **source, format, options, copying);
      if (!result) return report(result.error());
      timed.push_back(std::move(*result));
    }
  }
  const nlohmann::json result{
      {"gpu", name},
      {"copy_bytes_per_s", copying},
      {"compared_models", options.models},
      {"different_rows", int8.n_different},
      {"unstable_rows", int8.n_unstable + bf16.n_unstable},
      {"bf16", {{"far_rows", bf16.n_different}, {"tolerance", kBf16Tolerance}, {"furthest", bf16.largest_distance}}},
      {"shapes", timed}};
  return write_json(options.json, result, "gpu") && int8.n_different + bf16.n_different + int8.n_unstable + bf16.n_unstable == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks

#include "engine/model/open_runner.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bytemodel/model_file.h"
#include "engine/model/cuda_library.h"
#include "engine/model/cuda_runner.h"
#include "engine/model/f32_runner.h"
#include "engine/model/int8_runner.h"
#include "engine/model/thread_team.h"
#include "engine/stage_times.h"
#include "kernels/cpu/kernel_table.h"
#include "kernels/int8/int8_kernels.h"

namespace octet::engine {
namespace {

constexpr int kMinContext = 256;  // half for the completion, and kMinPromptBudget

constexpr std::int64_t kMaxSessionBytes = std::int64_t{2} << 30;  // keys and values of one document; there are several

/// What a session of this shape holds in f32, and the tables of the runner.
std::int64_t session_bytes(const bytemodel::ModelConfig& c) {
  const std::int64_t n_blocks = c.n_layers + (c.head_kind == bytemodel::HeadKind::kTransformer ? c.n_predict : 0);
  return std::int64_t{c.max_context} * (2 * n_blocks * c.kv_dim() + c.head_dim) * std::int64_t{sizeof(float)};
}

/// A file may be well formed and still ask for more than any machine has.
Result<void> check_size(const bytemodel::ModelConfig& c) {
  if (c.max_context < kMinContext) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("config.max_context: {} bytes leave no room for a prompt, at least {} are needed", c.max_context, kMinContext));
  }
  if (session_bytes(c) > kMaxSessionBytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("config.max_context {} with {} layers of {} keys and values: a session would take {} bytes, at most {} are "
                            "allowed",
                            c.max_context, c.n_layers, c.kv_dim(), session_bytes(c), kMaxSessionBytes));
  }
  return {};
}

std::vector<std::filesystem::path> candidates(const char* variable, const char* file) {
  if (const char* named = std::getenv(variable); named != nullptr && *named != '\0') return {named};
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  return {(folder / "../share/octet" / file).lexically_normal(), (folder / "../../bytemodel/weights" / file).lexically_normal()};
}

/// nullptr where none is named and there is no default one; $OCTET_MIXER names one.
Result<std::shared_ptr<const Mixer>> open_mixer(const std::filesystem::path& named, ModelInfo& info) {
  info.mixer = named;
  for (const auto& candidate : default_mixer_candidates()) {
    std::error_code ignored;
    const bool is_there = std::getenv("OCTET_MIXER") != nullptr || std::filesystem::exists(candidate, ignored);
    if (info.mixer.empty() && is_there) info.mixer = candidate;
  }
  if (info.mixer.empty()) return nullptr;
  auto mixer = Mixer::read(info.mixer);
  if (!mixer) return tl::unexpected(mixer.error());
  return std::make_shared<const Mixer>(std::move(*mixer));
}

Result<std::filesystem::path> find_default_model() {
  std::vector<std::string> tried;
  for (const auto& candidate : default_model_candidates()) {
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) return candidate;
    tried.push_back(candidate.string());
  }
  return fail(ErrorCode::kNotFound, fmt::format("no model: none was named and there is none at {}", fmt::join(tried, ", ")));
}

/// The table that was forced, or the best, of those that the processor supports.
template <class Table>
Result<const Table*> choose_kernels(const Table* selected, std::span<const Table* const> supported, const std::string& forced) {
  if (selected != nullptr) return selected;
  std::vector<std::string> known;
  for (const auto* table : supported) known.emplace_back(table->isa);
  return fail(ErrorCode::kUnsupported,
              fmt::format("OCTET_FORCE_ISA: '{}' is not available, this processor and build have {}", forced, fmt::join(known, ", ")));
}

/// Matrices that are stored as floats are quantised or rounded at load, which needs numbers.
Result<void> check_finite(const bytemodel::ModelFile& model) {
  for (const auto& spec : bytemodel::expected_tensors(model.config())) {
    const auto& tensor = model.tensor(spec.name);
    if (!spec.is_matrix() || tensor.dtype != bytemodel::DType::kF32) continue;
    const auto values = tensor.f32();
    const auto found = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
    if (found != values.end()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("tensor {}: element {} is {}, expected a finite number (profile f32 takes it)",
                                                           spec.name, found - values.begin(), *found));
    }
  }
  return {};
}

constexpr unsigned kMaxAutomaticThreads = 4;  // the rest of the machine belongs to the editor and its compilers

Result<std::unique_ptr<ModelRunner>> make_runner(bytemodel::ModelFile model, const RunnerOptions& options, unsigned threads) {
  if (options.profile == "f32") {
    const auto kernels = choose_kernels(kernels::select_kernels(options.forced_isa), kernels::supported_kernels(), options.forced_isa);
    if (!kernels) return tl::unexpected(kernels.error());
    return std::make_unique<F32Runner>(std::move(model), **kernels);
  }
  const auto kernels = choose_kernels(kernels::int8::select(options.forced_isa), kernels::int8::supported(), options.forced_isa);
  if (!kernels) return tl::unexpected(kernels.error());
  return std::make_unique<Int8Runner>(std::move(model), **kernels, threads);
}

/// A runner and what its steps take.
struct Measured {
  std::unique_ptr<ModelRunner> runner;
  StepCosts costs;
};
Measured measured(std::unique_ptr<ModelRunner> runner) {
  StepCosts costs = measure_step_costs(*runner);
  return {std::move(runner), std::move(costs)};
}

Result<Measured> open_on_cpu(bytemodel::ModelFile model, const RunnerOptions& options, unsigned threads) {
  auto runner = make_runner(std::move(model), options, threads);
  if (!runner) return tl::unexpected(runner.error());
  return measured(std::move(*runner));
}

Result<std::unique_ptr<CudaSteps>> load_on_gpu(const bytemodel::ModelFile& model, const RunnerOptions& options) {
  auto device = options.open_gpu ? options.open_gpu() : open_cuda_device();
  if (!device) return tl::unexpected(device.error());
  const auto format = options.profile == "bf16" ? kernels::cuda::Format::kBf16 : kernels::cuda::Format::kInt8;
  return CudaSteps::open(model, format, std::move(*device), options.gpu_memory_mb << 20);
}

void tell_gpu(const CudaSteps& steps, ModelInfo& info) {
  info.gpu_bytes = steps.memory_bytes();
  info.has_cublas = steps.max_prefill() > CudaSteps::kMaxBatch;
}

/// The profile bf16: on the GPU, or not at all. The CPU that takes over when it fails later computes in f32.
Result<Measured> open_bf16(bytemodel::ModelFile model, const RunnerOptions& options, ModelInfo& info) {
  const auto refuse = [](ErrorCode code, const std::string& why) {
    return fail(code, fmt::format("the bf16 profile needs a GPU: {}; expected --profile int8 on this machine", why));
  };
  if (options.device == "cpu") return refuse(ErrorCode::kUnsupported, "found device 'cpu'");
  const auto kernels = choose_kernels(kernels::select_kernels(options.forced_isa), kernels::supported_kernels(), options.forced_isa);
  if (!kernels) return tl::unexpected(kernels.error());
  auto steps = load_on_gpu(model, options);
  if (!steps) return refuse(steps.error().code, steps.error().message);
  tell_gpu(**steps, info);
  const auto make_cpu_runner = [table = *kernels](bytemodel::ModelFile file) {
    return std::make_unique<F32Runner>(std::move(file), *table);
  };
  auto on_gpu = measured(std::make_unique<CudaRunner>(std::move(model), std::move(*steps), make_cpu_runner));
  info.device_note = on_gpu.runner->trouble();
  return on_gpu;
}

constexpr std::size_t kComparedPositions = 4;  // a step as drafts make it

/// On the GPU where there is one that can be used and, for "auto", is faster; else on the CPU. Says in `info` why.
Result<Measured> open_on_any(bytemodel::ModelFile model, const RunnerOptions& options, ModelInfo& info) {
  const auto kernels = choose_kernels(kernels::int8::select(options.forced_isa), kernels::int8::supported(), options.forced_isa);
  if (!kernels) return tl::unexpected(kernels.error());
  auto steps = load_on_gpu(model, options);
  if (!steps) {
    info.device_note = fmt::format("no GPU is used: {}", steps.error().message);
    return open_on_cpu(std::move(model), options, info.threads);
  }
  tell_gpu(**steps, info);
  const auto make_cpu_runner = [table = *kernels, n_threads = info.threads](bytemodel::ModelFile file) {
    return std::make_unique<Int8Runner>(std::move(file), *table, n_threads);
  };
  auto on_gpu = measured(std::make_unique<CudaRunner>(std::move(model), std::move(*steps), make_cpu_runner));
  info.device_note = on_gpu.runner->trouble();
  if (options.device == "cuda" || !info.device_note.empty()) return on_gpu;

  auto again = bytemodel::ModelFile::read(info.path);
  if (!again) return tl::unexpected(again.error());
  auto on_cpu = open_on_cpu(std::move(*again), options, info.threads);
  if (!on_cpu) return on_cpu;
  const double gpu_ms = on_gpu.costs.verify_ms(kComparedPositions);
  const double cpu_ms = on_cpu->costs.verify_ms(kComparedPositions);
  info.device_note =
      fmt::format("a step of {} positions takes {:.2f} ms on the GPU and {:.2f} ms on the CPU", kComparedPositions, gpu_ms, cpu_ms);
  if (gpu_ms < cpu_ms) return on_gpu;
  info.gpu_bytes = 0;
  info.has_cublas = false;
  return on_cpu;
}

}  // namespace

std::vector<std::filesystem::path> default_model_candidates() { return candidates("OCTET_MODEL", "octet.safetensors"); }
std::vector<std::filesystem::path> default_mixer_candidates() { return candidates("OCTET_MIXER", "mixer.safetensors"); }

Result<OpenedModel> open_runner(const RunnerOptions& options) {
  const Stopwatch stopwatch;
  if (options.device != "cpu" && options.device != "auto" && options.device != "cuda") {
    return fail(ErrorCode::kInvalidArgument, fmt::format("device: expected auto, cpu or cuda, found '{}'", options.device));
  }
  if (options.profile != "f32" && options.profile != "int8" && options.profile != "bf16") {
    return fail(ErrorCode::kInvalidArgument, fmt::format("profile: expected int8, bf16 or f32, found '{}'", options.profile));
  }
  if (options.device == "cuda" && options.profile == "f32") {
    return fail(ErrorCode::kUnsupported, fmt::format("device 'cuda' computes the profiles int8 and bf16, found '{}'", options.profile));
  }
  const auto path = options.model.empty() ? find_default_model() : options.model;
  if (!path) return tl::unexpected(path.error());
  auto model = bytemodel::ModelFile::read(*path);
  if (!model) return tl::unexpected(model.error());

  auto runnable = check_size(model->config());
  if (runnable && options.profile != "f32") runnable = check_finite(*model);
  if (!runnable) return fail(runnable.error().code, fmt::format("{}: {}", path->string(), runnable.error().message));

  ModelInfo info;
  info.name = model->name();
  info.sha256 = model->file().sha256();
  info.path = *path;
  info.profile = options.profile;
  info.threads = options.profile != "int8" ? 1 : options.threads != 0 ? options.threads : std::min(usable_cores(), kMaxAutomaticThreads);
  info.max_context = model->config().max_context;
  auto runner = options.profile == "bf16"                             ? open_bf16(std::move(*model), options, info)
                : options.device == "cpu" || options.profile == "f32" ? open_on_cpu(std::move(*model), options, info.threads)
                                                                      : open_on_any(std::move(*model), options, info);
  if (!runner) return tl::unexpected(runner.error());
  info.device = runner->runner->device();
  info.isa = runner->runner->isa();
  auto mixer = open_mixer(options.mixer, info);
  if (!mixer) return tl::unexpected(mixer.error());
  info.load_ms = stopwatch.elapsed_ms();
  return OpenedModel{std::move(runner->runner), std::move(runner->costs), std::move(*mixer), std::move(info)};
}

}  // namespace octet::engine

// R10: whatever a GPU does wrong, the request is answered, with the text that the CPU writes, and the runner says what happened. On a
// fake one; 200 runs.
#include <cstdlib>
#include <tuple>
#include <utility>

#include "engine/completer.h"
#include "engine/model/cuda_library.h"
#include "engine/model/open_runner.h"
#include "tests/engine/cuda_models.h"

namespace octet::tests {
namespace {

using cuda_emulator::FakeMachine;
using kernels::cuda::Device;

Result<std::unique_ptr<Device>> open_fake_gpu() {
  char why[300] = "";
  std::unique_ptr<Device> device(octet_cuda_open_device(kernels::cuda::kDeviceVersion, why, sizeof(why)));
  if (device == nullptr) return fail(ErrorCode::kUnsupported, why);
  return device;
}

Result<engine::OpenedModel> open(const std::string& device, const FakeMachine& machine, const std::string& profile = "int8") {
  cuda_emulator::set_machine(machine);
  engine::RunnerOptions options;
  options.model = model_path("tiny-linear");
  options.device = device;
  options.threads = 1;
  options.profile = profile;
  options.open_gpu = open_fake_gpu;
  return engine::open_runner(options);
}

const Bytes& prompt() {
  static const Bytes prompt = random_code(20, 1);
  return prompt;
}
constexpr std::size_t kText = 16;

/// As small as a model can be that has all parts: the emulator is slow, and what fails is not the arithmetic.
bytemodel::ModelFile small_model() {
  auto config = load_model("tiny-linear").config();
  config.d_model = 16;
  config.n_layers = 1;
  config.window = {0};
  config.n_heads = 1;
  config.head_dim = 8;
  config.d_ff = 16;
  config.ngram_orders = {3};
  config.cell_dim = 8;
  config.n_predict = 3;
  config.max_context = 256;
  return random_model(config, 1);
}
const Written& expected_text() {
  static const Written text = write_text(*on_cpu(small_model()), prompt(), kText);
  return text;
}
/// The same of the model that open() opens.
const Written& expected_of_opened() {
  static const Written text = write_text(*on_cpu(load_model("tiny-linear")), prompt(), kText);
  return text;
}

/// Where the GPU fails while a text is written: the text is the CPU's, draft for draft, and `what` is what the runner says.
void check_takeover(const FakeMachine& machine, const std::string& what) {
  cuda_emulator::set_machine(FakeMachine{});
  const auto runner = on_gpu(small_model());
  cuda_emulator::set_machine(machine);
  const Written text = write_text(*runner, prompt(), kText);
  REQUIRE(text == expected_text());
  CAPTURE(runner->trouble());
  REQUIRE(std::string(runner->device()) == "cpu");
  REQUIRE_THAT(runner->trouble(), Catch::Contains("the CPU took over") && Catch::Contains(what));
  // And so it stays, for this sequence and for new ones.
  REQUIRE(write_text(*runner, prompt(), kText) == expected_text());
}

}  // namespace

TEST_CASE("cuda takeover: the GPU is used where it was asked for, and its memory is known") {
  const auto opened = open("cuda", {});
  REQUIRE(opened.has_value());
  CHECK(opened->info.device == "cuda");
  CHECK(opened->info.isa == "Emulated GPU, sm_90");
  CHECK(opened->info.device_note.empty());
  CHECK(opened->info.gpu_bytes > 100'000);
  CHECK(opened->info.has_cublas == (opened->runner->max_prefill() > 64));
  CHECK(cuda_emulator::counts().live_bytes < opened->info.gpu_bytes);
  CHECK(write_text(*opened->runner, prompt(), kText) == expected_of_opened());
  CHECK(cuda_emulator::counts().live_bytes < opened->info.gpu_bytes);
}

TEST_CASE("cuda takeover: auto measures both and says so") {
  const auto opened = open("auto", {});
  REQUIRE(opened.has_value());
  // An emulated GPU is slower than the CPU that emulates it.
  CHECK(opened->info.device == "cpu");
  CHECK_THAT(opened->info.device_note, Catch::Contains("ms on the GPU and") && Catch::Contains("ms on the CPU"));
  CHECK(cuda_emulator::counts().live_bytes == 0);
}

TEST_CASE("cuda takeover: no driver, an old one, no GPU, a small or old GPU: the CPU computes and the reason is named") {
  FakeMachine no_driver, no_gpu, old_gpu, old_gpus, small_gpu;
  no_driver.driver = cudaErrorInsufficientDriver;
  no_gpu.n_devices = 0;
  old_gpu.major = 7;
  old_gpu.minor = 5;
  old_gpus = old_gpu;
  old_gpus.n_devices = 2;
  small_gpu.memory_bytes = 200'000;
  for (const std::string device : {"cuda", "auto"}) {
    for (const auto& [machine, reason] :
         {std::pair{no_driver, "driver version is insufficient"}, std::pair{no_gpu, "no CUDA-capable device"},
          std::pair{old_gpu, "compute capability 7.5, expected at least 8.0"},
          std::pair{old_gpus, "expected at least 8.0; the first of CUDA_VISIBLE_DEVICES is used"},
          std::pair{small_gpu, "and the driver 67108864, 200000 are free"}}) {
      const auto opened = open(device, machine);
      REQUIRE(opened.has_value());
      CHECK(opened->info.device == "cpu");
      CHECK_THAT(opened->info.device_note, Catch::Contains("no GPU is used: ") && Catch::Contains(reason));
      CHECK(opened->info.gpu_bytes == 0);
      CHECK(write_text(*opened->runner, prompt(), kText) == expected_of_opened());
    }
  }
}

TEST_CASE("cuda takeover: the bf16 profile is opened on a GPU, and nowhere else") {
  FakeMachine no_gpu, small_gpu;
  no_gpu.n_devices = 0;
  small_gpu.memory_bytes = 200'000;
  const std::size_t int8_bytes = open("cuda", {})->info.gpu_bytes;
  for (const std::string device : {"cuda", "auto"}) {
    {
      const auto opened = open(device, {}, "bf16");
      REQUIRE(opened.has_value());
      CHECK(std::string(opened->runner->device()) == "cuda");
      CHECK(opened->info.profile == "bf16");
      CHECK(opened->info.gpu_bytes > int8_bytes);
    }
    for (const auto& [machine, code, reason] : {std::tuple{no_gpu, ErrorCode::kUnsupported, "no CUDA-capable device"},
                                                std::tuple{small_gpu, ErrorCode::kTooLarge, "and the driver 67108864, 200000 are free"}}) {
      const auto refused = open(device, machine, "bf16");
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().code == code);
      CHECK_THAT(refused.error().message, Catch::Contains("the bf16 profile needs a GPU: ") && Catch::Contains(reason) &&
                                              Catch::Contains("expected --profile int8"));
    }
  }
  const auto on_cpu_device = open("cpu", {}, "bf16");
  REQUIRE_FALSE(on_cpu_device.has_value());
  CHECK(on_cpu_device.error().code == ErrorCode::kUnsupported);
  CHECK_THAT(on_cpu_device.error().message, Catch::Contains("found device 'cpu'"));
  FakeMachine failing;
  failing.failing_step = 3;
  const auto later = open("cuda", failing, "bf16");
  REQUIRE(later.has_value());
  CHECK(later->info.device == "cpu");
  CHECK_THAT(later->info.device_note, Catch::Contains("took over in the f32 profile"));
}

TEST_CASE("cuda takeover: a cap on the memory is kept, before anything is allocated") {
  cuda_emulator::set_machine({});
  const auto model = load_model("default");
  const auto steps = engine::CudaSteps::open(model, Format::kInt8, emulated_device(), std::size_t{1} << 20);
  REQUIRE_FALSE(steps.has_value());
  CHECK(steps.error().code == ErrorCode::kTooLarge);
  CHECK_THAT(steps.error().message, Catch::Contains("1048576 are allowed"));
  CHECK(cuda_emulator::counts().allocations == 0);
}

TEST_CASE("cuda takeover: a model too wide for a block's shared memory is the CPU's") {
  FakeMachine machine;
  machine.shared_bytes = 20 << 10;
  const auto opened = open("cuda", machine);
  REQUIRE(opened.has_value());
  CHECK(opened->info.device == "cpu");
  CHECK_THAT(opened->info.device_note, Catch::Contains("shared memory"));
  CHECK(cuda_emulator::report().empty());  // the stream does not record for ever
}

TEST_CASE("cuda takeover: no library, or one that is none") {
  ::setenv("OCTET_CUDA_LIBRARY", "/nowhere/liboctet_cuda.so", 1);
  const auto missing = engine::open_cuda_device();
  ::setenv("OCTET_CUDA_LIBRARY", "/proc/self/exe", 1);
  const auto no_library = engine::open_cuda_device();
  ::unsetenv("OCTET_CUDA_LIBRARY");
  REQUIRE_FALSE(missing.has_value());
  CHECK_THAT(missing.error().message, Catch::Contains("no CUDA library at /nowhere/liboctet_cuda.so"));
  REQUIRE_FALSE(no_library.has_value());
  CHECK_THAT(no_library.error().message, Catch::Contains("cannot be loaded"));
}

TEST_CASE("cuda takeover: memory runs out at each allocation") {
  int n_used_gpu = 0;
  for (int k = 0; k < 8; ++k) {
    FakeMachine machine;
    machine.failing_allocation = k;
    const auto opened = open("cuda", machine);
    CAPTURE(k);
    REQUIRE(opened.has_value());
    REQUIRE(write_text(*opened->runner, prompt(), kText) == expected_of_opened());
    const bool uses_gpu = std::string(opened->runner->device()) == "cuda";
    n_used_gpu += uses_gpu ? 1 : 0;
    if (!uses_gpu) REQUIRE_THAT(opened->info.device_note + opened->runner->trouble(), Catch::Contains("out of memory"));
  }
  CHECK(n_used_gpu > 0);  // the last ones come after all is done
  CHECK(n_used_gpu < 8);
}

TEST_CASE("cuda takeover: an error in each step of a text, a sticky one") {
  std::size_t n_steps = 0;
  {
    cuda_emulator::set_machine({});
    const auto runner = on_gpu(small_model());
    write_text(*runner, prompt(), kText);
    n_steps = cuda_emulator::counts().graphs_launched;
  }
  CHECK(n_steps > 8);
  for (std::size_t k = 0; k < 90; ++k) {
    FakeMachine machine;
    machine.failing_step = static_cast<int>(k % n_steps);
    CAPTURE(machine.failing_step);
    check_takeover(machine, "an illegal memory access");
  }
}

namespace {

/// Both runners draft behind row `row`, with the same bytes given, and their proposals have the same bits.
void compare_drafts(engine::ModelRunner& expected, const engine::KvCache& expected_cache, engine::ModelRunner& found,
                    const engine::KvCache& found_cache, std::size_t row) {
  expected.begin_draft(row, expected_cache);
  found.begin_draft(row, found_cache);
  for (int i = 1; i < expected.config().n_predict; ++i) {
    CAPTURE(row, i);
    const auto given = static_cast<std::uint8_t>('a' + i);
    REQUIRE(same_bits(expected.next_draft(given), found.next_draft(given)));
  }
}

}  // namespace

TEST_CASE("cuda takeover: proposals go on on the CPU, whichever of them the GPU fails at") {
  for (int k = 0; k < 7; ++k) {
    CAPTURE(k);
    cuda_emulator::set_machine({});
    const auto expected = on_cpu(load_model("tiny-linear"));
    const auto found = on_gpu(load_model("tiny-linear"));
    const auto expected_cache = expected->new_cache();
    const auto found_cache = found->new_cache();
    const Bytes text = random_code(5, 2);
    expected->forward(prompt(), *expected_cache, Rows::kLast);
    found->forward(prompt(), *found_cache, Rows::kLast);
    FakeMachine machine;
    machine.failing_step = k;  // each given byte is a step: it is not the one that the device would choose
    cuda_emulator::set_machine(machine);
    compare_drafts(*expected, *expected_cache, *found, *found_cache, prompt().size() - 1);
    REQUIRE(std::string(found->device()) == "cpu");
    // And behind a row whose successors are taken back.
    expected->forward(text, *expected_cache, Rows::kAll);
    found->forward(text, *found_cache, Rows::kAll);
    expected_cache->truncate(prompt().size() + 2);
    found_cache->truncate(prompt().size() + 2);
    compare_drafts(*expected, *expected_cache, *found, *found_cache, 1);
  }
}

TEST_CASE("cuda takeover: what the CPU's cache does not have is computed: another text's keys, those that its ring lost") {
  auto config = load_model("tiny-linear").config();
  config.max_context = 2048;
  config.window = {64, 0};
  const auto expected = on_cpu(random_model(config, 1));
  const Bytes text = random_code(1300, 2);
  const Bytes more = random_code(20, 3);
  const auto prefill = [&](engine::ModelRunner& runner, engine::KvCache& cache, std::size_t n) {
    for (std::size_t i = 0; i < n; i += 64)
      runner.forward(std::span(text).subspan(i, std::min<std::size_t>(64, n - i)), cache, Rows::kLast);
  };
  const auto compare = [&](engine::ModelRunner& found, engine::KvCache& cache, std::size_t n) {
    const auto fresh = expected->new_cache();
    prefill(*expected, *fresh, n);
    const auto expected_rows = expected->forward(more, *fresh, Rows::kAll);
    const auto rows = found.forward(more, cache, Rows::kAll);
    REQUIRE(std::string(found.device()) == "cpu");
    for (std::size_t i = 0; i < more.size(); ++i) REQUIRE(same_bits(expected_rows[i], rows[i]));
  };
  cuda_emulator::set_machine({});
  const auto found = on_gpu(random_model(config, 1));
  const auto of_gpu = found->new_cache();
  const auto cache = found->new_cache();
  const std::size_t n = expected->max_batch() + 1;  // the CPU computes them in a batch and one more
  prefill(*found, *of_gpu, n);
  FakeMachine machine;
  machine.failing_step = 0;
  cuda_emulator::set_machine(machine);
  found->forward(random_code(40, 4), *cache, Rows::kLast);
  found->copy_cache(*of_gpu, *cache);
  compare(*found, *cache, n);
  cache->truncate(0);
  prefill(*found, *cache, text.size());
  REQUIRE(cache->reusable(300) == 300);  // the ring of the CPU's cache begins behind that
  cache->truncate(300);
  compare(*found, *cache, 300);
}

TEST_CASE("cuda takeover: rows that are no numbers, from each step on") {
  for (int k = 0; k < 90; ++k) {
    FakeMachine machine;
    machine.spoilt_step = k % 8;
    check_takeover(machine, "no numbers");
  }
}

TEST_CASE("cuda takeover: a GPU that no longer answers") {
  for (const int step : {0, 3, 6}) {
    FakeMachine machine;
    machine.hanging_step = step;
    check_takeover(machine, "no answer from the GPU within 500 ms");
  }
}

TEST_CASE("cuda takeover: nobody waits for a GPU that hangs, and what only took long is given back") {
  cuda_emulator::set_machine({});
  const std::size_t live_bytes = cuda_emulator::counts().live_bytes;
  {
    const auto runner = on_gpu(small_model());
    FakeMachine slow;
    slow.hanging_step = 2;
    cuda_emulator::set_machine(slow);
    write_text(*runner, prompt(), kText);
    CHECK_FALSE(open_fake_gpu().has_value());
    cuda_emulator::set_machine({});
    CHECK(open_fake_gpu().has_value());
    CHECK(cuda_emulator::counts().live_bytes > live_bytes);
  }
  CHECK(cuda_emulator::counts().live_bytes == live_bytes);
  {
    const auto runner = on_gpu(small_model());
    FakeMachine hanging;
    hanging.hanging_step = 2;
    cuda_emulator::set_machine(hanging);
    write_text(*runner, prompt(), kText);
  }
  CHECK(cuda_emulator::report().empty());
  CHECK(cuda_emulator::counts().live_bytes > live_bytes);
  const auto refused = open_fake_gpu();
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().message, Catch::Contains("the GPU hangs"));
  // It has come to itself.
  cuda_emulator::set_machine({});
  const std::size_t left_bytes = cuda_emulator::counts().live_bytes;
  {
    const auto device = emulated_device();
    void* memory = device->allocate(1);
    device->begin_graph();
    const int graph = device->end_graph();
    FakeMachine slow;
    slow.hanging_step = 0;
    cuda_emulator::set_machine(slow);
    device->replay(graph);
    CHECK_FALSE(device->wait(1));
    device->release(memory);
    CHECK(cuda_emulator::report().empty());
    cuda_emulator::set_machine({});
  }
  CHECK(cuda_emulator::counts().live_bytes == left_bytes);
  CHECK(write_text(*on_gpu(small_model()), prompt(), kText) == expected_text());
  CHECK(cuda_emulator::report().empty());
}

TEST_CASE("cuda takeover: a completion says what happened") {
  cuda_emulator::set_machine({});
  engine::Completer completer(on_gpu(load_model("tiny-linear")));
  engine::CompletionRequest request;
  request.document.path = "a.py";
  request.document.text = std::make_shared<const std::string>("def area(width, height):\n    return ");
  request.cursor = request.document.text->size();
  request.limits.max_bytes = 20;
  request.raw = true;
  engine::Completer on_cpu_alone(on_cpu(load_model("tiny-linear")));
  const auto expected = on_cpu_alone.complete(request, {}, {});
  auto result = completer.complete(request, {}, {});
  CHECK(result.trouble.empty());
  CHECK(result.text == expected.text);
  FakeMachine machine;
  machine.failing_step = 1;
  cuda_emulator::set_machine(machine);
  result = completer.complete(request, {}, {});
  CHECK_THAT(result.trouble, Catch::Contains("the CPU took over"));
  CHECK(result.text == expected.text);
}

}  // namespace octet::tests

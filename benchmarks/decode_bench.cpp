#include "benchmarks/decode_bench.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <unistd.h>

#include "benchmarks/machine_limit.h"
#include "benchmarks/random_model.h"
#include "benchmarks/report.h"
#include "benchmarks/step_limit.h"
#include "engine/context/prompt_builder.h"
#include "engine/decode/decode_loop.h"
#include "engine/decode/head_drafter.h"
#include "engine/decode/session.h"
#include "engine/model/open_runner.h"

namespace octet::benchmarks {
namespace {

using engine::DecodeOutcome;
using engine::ModelRunner;

constexpr int kStepSizes = 16;
const std::function<void(std::string_view)> kNowhere = [](std::string_view) {};
const engine::Interrupt kNoInterrupt;

/// A cursor of the work list: the bytes that the model reads there.
using Prompt = std::vector<std::uint8_t>;

/// Prompts before the middle of evenly spread lines of each file.
Result<std::vector<Prompt>> prompts_of(const DecodeOptions& options, std::size_t budget) {
  std::vector<Prompt> prompts;
  for (const auto& path : options.files) {
    std::ifstream file(path, std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file || text.empty()) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read, or is empty", path.string()));
    engine::DocumentSnapshot document;
    document.path = path.string();
    document.text = std::make_shared<const std::string>(text);
    for (int i = 0; i < options.cursors; ++i) {
      const std::size_t near = text.size() * static_cast<std::size_t>(2 * i + 1) / static_cast<std::size_t>(2 * options.cursors);
      const std::size_t line = std::min(text.find('\n', near), text.size() - 1) + 1;
      prompts.push_back(engine::build_prompt(document, line, budget));
    }
  }
  return prompts;
}

constexpr std::size_t kMadeUpPrompts = 16;  // as many as the largest batch

/// Text for random models: their time does not depend on it.
std::vector<Prompt> made_up_prompts(std::size_t budget) {
  std::mt19937 random(3);
  std::vector<Prompt> prompts(kMadeUpPrompts, Prompt(budget));
  for (auto& prompt : prompts) {
    for (auto& byte : prompt) byte = static_cast<std::uint8_t>('a' + random() % 26);
  }
  return prompts;
}

struct Totals {
  double seconds = 0;
  std::size_t bytes = 0;
  std::size_t steps = 0;
  std::size_t drafted = 0;
  std::size_t accepted = 0;

  void add(const DecodeOutcome& outcome) {
    bytes += outcome.steps + outcome.accepted;
    steps += outcome.steps;
    drafted += outcome.drafted;
    accepted += outcome.accepted;
  }
  double bytes_per_s() const { return static_cast<double>(bytes) / seconds; }
  double per_step(std::size_t n) const { return static_cast<double>(n) / static_cast<double>(std::max<std::size_t>(steps, 1)); }

  nlohmann::json json() const {
    return {{"bytes_per_s", bytes_per_s()},
            {"ms_per_step", 1e3 * seconds / static_cast<double>(std::max<std::size_t>(steps, 1))},
            {"steps", steps},
            {"bytes", bytes},
            {"accepted_per_step", per_step(bytes)},
            {"mean_draft", per_step(drafted)}};
  }
};

/// Decodes behind `prompts` (one batch) and adds what that took to `totals`; returns the texts.
std::vector<std::string> decode_prompts(ModelRunner& runner, std::span<const Prompt> prompts, engine::Drafter& drafter, int bytes,
                                        Totals& totals) {
  std::vector<std::unique_ptr<engine::Session>> sessions;
  for (const Prompt& prompt : prompts) {
    auto& session = *sessions.emplace_back(std::make_unique<engine::Session>(runner));
    session.prefill(prompt, kNoInterrupt);
    session.cache().truncate(prompt.size() - 1);
  }
  // The last bytes of all prompts in one step: their rows are where the sequences begin.
  std::vector<ModelRunner::Piece> last;
  for (std::size_t i = 0; i < prompts.size(); ++i) last.push_back({std::span(prompts[i]).last(1), &sessions[i]->cache()});
  const auto rows = runner.forward(last, ModelRunner::Rows::kAll);
  const engine::TextRules no_rules;
  engine::NetChooser chooser;  // keeps nothing: one does for all
  std::vector<engine::DecodeTask> tasks;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    // Of a model that computes no numbers decoding says so at its second byte.
    const auto first = engine::choose(rows[i], engine::Utf8State().allowed()).value_or(engine::Choice{});
    tasks.push_back(
        {sessions[i]->cache(), i, first, chooser, drafter, no_rules, static_cast<std::size_t>(bytes), false, kNoInterrupt, kNowhere});
  }
  const auto start = Clock::now();
  auto outcomes = engine::decode_batch(runner, tasks);
  totals.seconds += seconds_since(start);
  std::vector<std::string> texts;
  for (auto& outcome : outcomes) {
    totals.add(outcome);
    texts.push_back(std::move(outcome.text));
  }
  return texts;
}

struct Comparison {
  Totals plain;
  Totals draft;
  bool is_same_text = true;
};

/// Plain and drafted decoding in turn over groups of `batch` prompts.
Comparison compare(ModelRunner& runner, const std::vector<Prompt>& prompts, const engine::StepCosts& costs, const DecodeOptions& options,
                   std::size_t batch) {
  Comparison result;
  engine::NoDrafter nobody;
  engine::HeadDrafter heads(runner, costs);
  const bool both = options.plain == options.draft;
  for (int i = 0; i < options.repetitions; ++i) {
    for (std::size_t first = 0; first + batch <= prompts.size(); first += batch) {
      const auto group = std::span(prompts).subspan(first, batch);
      std::vector<std::string> plain;
      std::vector<std::string> drafted;
      if (both || options.plain) plain = decode_prompts(runner, group, nobody, options.bytes, result.plain);
      if (both || options.draft) drafted = decode_prompts(runner, group, heads, options.bytes, result.draft);
      if (both && plain != drafted) result.is_same_text = false;
    }
  }
  return result;
}

struct TimedStep {
  double seconds;
  std::uint64_t n_barriers;
};

/// Steps of 1 to kStepSizes positions behind `context` others.
std::vector<TimedStep> time_steps(engine::Int8Runner& runner, const Prompt& prompt, std::size_t context) {
  engine::Session session(runner);
  session.prefill(std::span(prompt).first(context), kNoInterrupt);
  std::vector<TimedStep> steps;
  for (int m = 1; m <= kStepSizes; ++m) {
    TimedStep step{};
    step.seconds = fastest([&] {
      session.cache().truncate(context);
      const auto before = runner.team().waits().n_barriers;
      runner.forward(std::span(prompt).first(static_cast<std::size_t>(m)), session.cache(), ModelRunner::Rows::kAll);
      step.n_barriers = std::max(step.n_barriers, runner.team().waits().n_barriers - before);
    });
    steps.push_back(step);
  }
  return steps;
}

/// The drafts' own time: begin_draft and one proposal of each head, per proposal.
double time_drafts(ModelRunner& runner, const Prompt& prompt) {
  const int n = runner.config().n_predict - 1;
  if (n == 0) return 0;
  const auto cache = runner.new_cache();
  runner.forward(std::span(prompt).first(1), *cache, ModelRunner::Rows::kAll);
  return fastest([&] {
           runner.begin_draft(0, *cache);
           for (int i = 0; i < n; ++i) runner.next_draft('a');
         }) /
         n;
}

Result<engine::OpenedModel> open_model(const DecodeOptions& options) {
  engine::RunnerOptions runner;
  runner.model = options.model;
  runner.threads = options.threads;
  if (const char* forced = std::getenv("OCTET_FORCE_ISA")) runner.forced_isa = forced;
  const bool is_llama = !options.llama_shape.empty();
  if (options.shape.empty() && !is_llama) return engine::open_runner(runner);

  const auto config = parse_shape(is_llama ? options.llama_shape : options.shape, is_llama ? ShapeKind::kLlama : ShapeKind::kOctet);
  if (!config) return tl::unexpected(config.error());
  const bool is_kept = !options.keep.empty();
  runner.model = is_kept ? options.keep : std::filesystem::temp_directory_path() / fmt::format("octet-bench-{}.safetensors", ::getpid());
  if (auto written = write_random_model(runner.model, *config); !written) return tl::unexpected(written.error());
  auto opened = engine::open_runner(runner);
  std::error_code ignored;
  if (!is_kept) std::filesystem::remove(runner.model, ignored);
  return opened;
}

void print_totals(const std::string& name, const Totals& totals) {
  print(stdout, "{:<14} {:>9.0f} bytes/s  {:>7.3f} ms/step  {:>5.2f} bytes/step  {:>5.2f} drafted/step\n", name, totals.bytes_per_s(),
        1e3 * totals.seconds / static_cast<double>(totals.steps), totals.per_step(totals.bytes), totals.per_step(totals.drafted));
}

}  // namespace

int run_decode(const DecodeOptions& options) {
  auto opened = open_model(options);
  if (!opened) {
    print(stderr, "octet-bench decode: {}\n", opened.error().message);
    return 1;
  }
  auto& runner = static_cast<engine::Int8Runner&>(*opened->runner);
  const auto max_context = static_cast<std::size_t>(runner.config().max_context);
  const std::size_t budget = max_context - std::min(static_cast<std::size_t>(options.bytes), max_context / 2);
  auto prompts = options.files.empty() ? made_up_prompts(budget) : prompts_of(options, budget);
  if (!prompts) {
    print(stderr, "octet-bench decode: {}\n", prompts.error().message);
    return 1;
  }

  const int largest = options.batch.empty() ? 1 : *std::max_element(options.batch.begin(), options.batch.end());
  if (prompts->size() < static_cast<std::size_t>(largest)) {
    print(stderr, "octet-bench decode: a batch of {} needs as many cursors, --files and --cursors give {}\n", largest, prompts->size());
    return 1;
  }

  const unsigned threads = opened->info.threads;
  nlohmann::json result{{"environment", environment(runner.isa(), threads)}, {"model", opened->info.name}, {"sha256", opened->info.sha256}};
  print(stdout, "{} ({}), {} kernels, {} thread(s), load {:.2f}\n", opened->info.name, result["environment"]["cpu"].get<std::string>(),
        runner.isa(), threads, result["environment"]["load"].get<double>());

  // Steps, first and against the limit of the same moment.
  engine::ThreadTeam team(threads, engine::ThreadTeam::WhenBusy::kWait);
  MachineLimit machine(*kernels::int8::select(runner.isa()), team);
  const StepLimit limit(runner, machine);
  const Prompt steady = made_up_prompts(max_context)[0];
  const std::size_t context = max_context - kStepSizes;
  const std::vector<TimedStep> steps = time_steps(runner, steady, context);
  print(stdout, "verify steps behind {} bytes\n{:>6} {:>9} {:>9} {:>7} {:>9} {:>9} {:>11}\n", context, "rows", "us", "limit", "share",
        "barriers", "share", "T(m)/T(1)");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto [seconds, n_barriers] = steps[i];
    const double barriers_s = static_cast<double>(n_barriers) * machine.barrier_s();
    const double least = limit.seconds(static_cast<int>(i) + 1, context) + barriers_s;
    print(stdout, "{:>6} {:>9.1f} {:>9.1f} {:>6.0f}% {:>9} {:>8.1f}% {:>11.2f}\n", i + 1, seconds * 1e6, least * 1e6, 100 * least / seconds,
          n_barriers, 100 * barriers_s / seconds, seconds / steps[0].seconds);
    result["step_ms"].push_back(seconds * 1e3);
    result["limit"]["step_ms"].push_back(least * 1e3);
    result["limit"]["share"].push_back(least / seconds);
    result["limit"]["barrier_share"].push_back(barriers_s / seconds);
  }
  const double draft_s = time_drafts(runner, steady);
  print(stdout, "a proposal {:.1f} us\n", draft_s * 1e6);
  result["draft_ms"] = draft_s * 1e3;

  const double prefill_s = fastest([&] { engine::Session(runner).prefill(std::span(steady).first(context), kNoInterrupt); }, 5, 0);
  const double prefill_share = limit.prefill_products(context, runner.max_batch()) / machine.products_per_s() / prefill_s;
  print(stdout, "prefill {:.0f} bytes/s, {:.1f} us a byte, {:.0f}% of peak\n", static_cast<double>(context) / prefill_s,
        1e6 * prefill_s / static_cast<double>(context), 100 * prefill_share);
  result["prefill_bytes_per_s"] = static_cast<double>(context) / prefill_s;
  result["limit"]["prefill_share"] = prefill_share;

  bool is_same_text = true;
  const auto measure = [&](int batch, const std::string& suffix, nlohmann::json& to) {
    const Comparison found = compare(runner, *prompts, opened->costs, options, static_cast<std::size_t>(batch));
    is_same_text = is_same_text && found.is_same_text;
    for (const auto& [name, key, totals] : {std::tuple{"plain", "plain", &found.plain}, std::tuple{"drafted", "draft", &found.draft}}) {
      if (totals->steps == 0) continue;
      print_totals(name + suffix, *totals);
      to[key] = totals->json();
    }
  };
  measure(1, "", result);
  for (const int n : options.batch) measure(n, fmt::format(" x{}", n), result["batch"].emplace_back(nlohmann::json{{"n", n}}));
  const auto waits = runner.team().waits();
  if (waits.n_tasks_alone > 0) {
    print(stdout, "{} of {} steps ran on one thread, because other programs had the cores\n", waits.n_tasks_alone, waits.n_tasks);
  }
  result["tasks"] = {{"all", waits.n_tasks}, {"alone", waits.n_tasks_alone}};
  result["rss_bytes"] = peak_rss_bytes();
  print(stdout, "peak memory {:.1f} MB\n", static_cast<double>(peak_rss_bytes()) / 1e6);
  if (!is_same_text) print(stderr, "octet-bench decode: drafted text differs from plain text: the run is void\n");
  return write_json(options.json, result, "decode") && is_same_text && std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks

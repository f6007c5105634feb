#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/evaluate.h"
#include "bytemodel/training/machine_limit.h"
#include "bytemodel/training/trainer.h"

namespace octet::bytemodel::training {
namespace {

using Clock = std::chrono::steady_clock;

// Rates settle within so many steps.
constexpr int kWarmUpSteps = 1;
constexpr int kTimedSteps = 3;

Result<TrainOptions> make_options(const TrainCommand& c) {
  const Result<HeadSchedule> heads = head_schedule_from_name(c.head_schedule);
  if (!heads) return tl::unexpected(heads.error());
  if (*heads == HeadSchedule::kFrozenTrunk && c.start.empty()) {
    return fail(ErrorCode::kInvalidArgument, "--head-schedule frozen-trunk: expected --start, the model whose trunk stays as it is");
  }
  TrainOptions o;
  o.model = default_model(c.d_model, c.n_layers, c.context, c.n_predict);
  o.model.cell_dim = c.cell_dim;
  const Result<ModelConfig> checked = parse_model_config(to_json(o.model));
  if (!checked) return tl::unexpected(checked.error());
  o.data.context = static_cast<std::size_t>(c.context);
  o.data.middle_share = c.middle_share;
  o.data.seed = o.seed = c.seed;
  o.optimiser.muon_rate = c.muon_rate;
  o.optimiser.adam_rate = c.adam_rate;
  o.optimiser.table_rate = c.table_rate;
  o.schedule.heads = *heads;
  o.schedule.extra_weight = c.extra_weight;
  o.schedule.n_predict = c.n_predict;
  o.precision = c.precision == "auto" ? best_precision(c.compute.device) : *precision_from_name(c.precision);
  o.batch = c.batch;
  o.n_workers = c.compute.n_workers;
  o.total_bytes = static_cast<std::uint64_t>(std::max(1.0, c.megabytes * 1e6));
  return o;
}

/// Bytes a second of full batches with all heads.
Result<double> measure_rate(TrainOptions options, const Dataset& data, torch::Device device) {
  options.schedule.heads = HeadSchedule::kConstant;
  options.total_bytes = std::numeric_limits<std::uint64_t>::max() / 2;
  options.batch *= 4;  // a run begins with a quarter of the batch: four times that quarter is a full one
  Collective alone;
  Result<Dataset> own = Dataset::open(data.directory(), data.options());
  if (!own) return tl::unexpected(own.error());
  Trainer trainer(options, {{}, 0, 1, [](const std::string&) {}, nullptr}, std::move(*own), device, alone);
  Clock::time_point start;
  std::uint64_t bytes_before = 0;
  for (int i = 0; i < kWarmUpSteps + kTimedSteps; ++i) {
    if (i == kWarmUpSteps) {
      start = Clock::now();
      bytes_before = trainer.position().n_bytes;
    }
    if (const Result<HeadSums> done = trainer.step(); !done) return tl::unexpected(done.error());
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return static_cast<double>(trainer.position().n_bytes - bytes_before) / seconds;
}

void say_profile(const TrainOptions& options, double bytes_per_second) {
  const MatrixProductRate limit = measure_matrix_products(options.n_workers);
  const double best = std::max(limit.f32, limit.bf16);
  const double used = bytes_per_second * training_flops_per_byte(options.model, static_cast<std::int64_t>(options.data.context));
  say(fmt::format("matrix products of {} workers: f32 {:.1f}, bf16 {:.1f} GFLOP/s", options.n_workers, limit.f32 / 1e9, limit.bf16 / 1e9));
  say(fmt::format("training: {:.2f} kB/s, {:.1f} GFLOP/s, {:.0f} % of the better ceiling", bytes_per_second / 1e3, used / 1e9,
                  100 * used / best));
}

/// A corpus without held-out text is trained on without a validation.
RunSettings settings_for(const std::filesystem::path& run, double checkpoint_minutes, const Result<Dataset>& held_out) {
  return {run, 60 * checkpoint_minutes, 10, say, held_out ? &*held_out : nullptr};
}

int finish(Trainer& trainer, std::stop_token stop) {
  if (const Result<void> done = trainer.run(stop); !done) return report(done.error());
  if (stop.stop_requested()) say("stopped; `octet-train resume` goes on from here");
  return 0;
}

}  // namespace

int run_train(const TrainCommand& command, std::stop_token stop) {
  Result<TrainOptions> options = make_options(command);
  if (!options) return report(options.error());
  const Result<torch::Device> device = open_device(command.compute.device);
  if (!device) return report(device.error());
  Result<Dataset> data = open_split(command.compute, "train", options->data);
  if (!data) return report(data.error());
  Result<std::unique_ptr<Collective>> collective = join_collective();
  if (!collective) return report(collective.error());
  if (command.minutes > 0 || command.profile) {
    if ((*collective)->size() > 1)
      return report({ErrorCode::kInvalidArgument, "several processes need --megabytes: each would measure another rate"});
    const Result<double> rate = measure_rate(*options, *data, *device);
    if (!rate) return report(rate.error());
    if (command.profile) {
      say_profile(*options, *rate);
      return 0;
    }
    options->total_bytes = static_cast<std::uint64_t>(*rate * 60 * command.minutes);
  }
  std::optional<Network> start;
  if (!command.start.empty()) {
    const Result<ModelFile> file = ModelFile::read(command.start);
    if (!file) return report(file.error());
    start = Network::from_file(*file, *device);
  }
  const ParameterCount count = count_parameters(options->model);
  say(fmt::format("{:.2f}M dense and {:.2f}M table parameters, {:.1f} MB of text, {:.2f} MB to see", static_cast<double>(count.dense) / 1e6,
                  static_cast<double>(count.tables) / 1e6, static_cast<double>(data->n_text_bytes()) / 1e6,
                  static_cast<double>(options->total_bytes) / 1e6));
  const Result<Dataset> held_out = open_held_out(command.compute, command.context);
  Trainer trainer(*options, settings_for(command.run, command.checkpoint_minutes, held_out), std::move(*data), *device, **collective,
                  start ? &*start : nullptr);
  return finish(trainer, stop);
}

int run_resume(const ResumeCommand& command, std::stop_token stop) {
  std::vector<std::string> skipped;
  const Result<Checkpoint> checkpoint = read_newest_checkpoint(command.run, skipped);
  for (const std::string& why : skipped) std::fprintf(stderr, "octet-train: skipped: %s\n", why.c_str());
  if (!checkpoint) return report(checkpoint.error());
  const Result<torch::Device> device = open_device(command.compute.device);
  if (!device) return report(device.error());
  Result<Dataset> data = open_split(command.compute, "train", checkpoint->options.data);
  if (!data) return report(data.error());
  Result<std::unique_ptr<Collective>> collective = join_collective();
  if (!collective) return report(collective.error());
  const Result<Dataset> held_out = open_held_out(command.compute, static_cast<int>(checkpoint->options.data.context));
  Result<std::unique_ptr<Trainer>> trainer = Trainer::resume(*checkpoint, settings_for(command.run, command.checkpoint_minutes, held_out),
                                                             std::move(*data), *device, **collective);
  if (!trainer) return report(trainer.error());
  say(fmt::format("resumed at step {}, {:.2f} of {:.2f} MB", checkpoint->position.step,
                  static_cast<double>(checkpoint->position.n_bytes) / 1e6, static_cast<double>(checkpoint->options.total_bytes) / 1e6));
  return finish(**trainer, stop);
}

int run_sweep(const SweepCommand& command, std::stop_token stop) {
  struct Row {
    int n_predict;
    double bits;
    double accepted;
  };
  std::vector<Row> rows;
  for (const int n_predict : command.n_predict) {
    TrainCommand train = command.train;
    train.n_predict = n_predict;
    train.run = command.train.run / fmt::format("predict-{}", n_predict);
    say(fmt::format("-- n_predict {}", n_predict));
    if (const int code = run_train(train, stop); code != 0 || stop.stop_requested()) return code;
    const Result<Network> network = open_run(train.run);
    if (!network) return report(network.error());
    const Result<Dataset> held_out = open_held_out(train.compute, train.context);
    if (!held_out) return report(held_out.error());
    const Result<std::vector<LanguageScore>> scores = evaluate(*network, *held_out, {}, WorkerTeam(train.compute.n_workers));
    if (!scores) return report(scores.error());
    const LanguageScore all = total(*scores, n_predict);
    rows.push_back({n_predict, all.sums.bits_per_byte(0), all.accepted_per_step()});
  }
  say("n_predict  bits/byte  bytes/step");
  for (const Row& row : rows) say(fmt::format("{:>9}  {:>9.4f}  {:>10.2f}", row.n_predict, row.bits, row.accepted));
  // Quality first: of those within 0.02 bits per byte of the best, the one that drafts farthest.
  const double best_bits = std::min_element(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.bits < b.bits; })->bits;
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (row.bits <= best_bits + 0.02 && (best == nullptr || row.accepted > best->accepted)) best = &row;
  }
  say(fmt::format("best: n_predict {}", best->n_predict));
  return 0;
}

}  // namespace octet::bytemodel::training

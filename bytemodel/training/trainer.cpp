#include "bytemodel/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "bytemodel/training/batch.h"
#include "bytemodel/training/evaluate.h"
#include "bytemodel/training/run_lock.h"

namespace octet::bytemodel::training {
namespace {

using torch::Tensor;
using Clock = std::chrono::steady_clock;

// The average spans about so many of the last steps; at first it is the plain mean.
constexpr double kAverageSteps = 100;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<Network> make_replicas(const TrainOptions& options, torch::Device device, const Network* start) {
  std::vector<Network> replicas;
  replicas.push_back(Network::random(options.model, options.seed, device));
  if (start != nullptr) {
    const torch::NoGradGuard no_gradients;
    for (const Parameter& p : replicas.front().parameters()) {
      for (const Parameter& given : start->parameters()) {
        if (given.name == p.name && given.value.sizes() == p.value.sizes()) p.value.detach().copy_(given.value);
      }
    }
  }
  replicas.front().compute_in(options.precision);
  for (int i = 1; i < options.n_workers; ++i) replicas.push_back(replicas.front().replica());
  if (options.schedule.heads == HeadSchedule::kFrozenTrunk) {
    for (Network& replica : replicas) replica.train_only("unembed");
  }
  return replicas;
}

std::string as_time(double seconds) {
  const auto minutes = static_cast<long>(seconds / 60);
  return fmt::format("{}:{:02}:{:02}", minutes / 60, minutes % 60, static_cast<long>(seconds) % 60);
}

}  // namespace

Trainer::Trainer(TrainOptions options, RunSettings settings, Dataset data, torch::Device device, Collective& collective,
                 const Network* start)
    : options_(std::move(options)),
      settings_(std::move(settings)),
      data_(std::move(data)),
      collective_(collective),
      team_(options_.n_workers),
      replicas_(make_replicas(options_, device, start)),
      optimiser_(replicas_.front(), options_.optimiser, options_.precision) {
  for (const Parameter& p : network().parameters()) average_.push_back(p.value.detach().clone());
}

Result<std::unique_ptr<Trainer>> Trainer::resume(const Checkpoint& checkpoint, RunSettings settings, Dataset data, torch::Device device,
                                                 Collective& collective) {
  if (checkpoint.corpus != data.fingerprint()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("corpus: expected the checkpoint's ({}), found another ({})", checkpoint.corpus, data.fingerprint()));
  }
  auto trainer = std::make_unique<Trainer>(checkpoint.options, std::move(settings), std::move(data), device, collective);
  std::map<std::string, Tensor> stored;
  for (const Parameter& p : checkpoint.tensors) stored.emplace(p.name, p.value);
  for (Parameter& p : trainer->checkpoint().tensors) {
    const auto found = stored.find(p.name);
    if (found == stored.end() || found->second.sizes() != p.value.sizes()) {
      return fail(ErrorCode::kMalformed, fmt::format("checkpoint: {}: expected a tensor of {} numbers, found {}", p.name, p.value.numel(),
                                                     found == stored.end() ? "none" : std::to_string(found->second.numel())));
    }
    const torch::NoGradGuard no_gradients;
    p.value.detach().copy_(found->second);
  }
  trainer->refresh_casts();
  trainer->position_ = checkpoint.position;
  if (const Result<void> dropped = drop_losses_behind(trainer->settings_.directory, checkpoint.position.step); !dropped)
    return tl::unexpected(dropped.error());
  return trainer;
}

double Trainer::progress() const {
  return std::min(1.0, static_cast<double>(position_.n_bytes) / static_cast<double>(options_.total_bytes));
}

Checkpoint Trainer::checkpoint() const {
  Checkpoint out{options_, position_, data_.fingerprint(), {}};
  const std::vector<Parameter>& parameters = network().parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    out.tensors.push_back({"value/" + parameters[i].name, parameters[i].value});
    out.tensors.push_back({"average/" + parameters[i].name, average_[i]});
  }
  for (const Parameter& p : optimiser_.state()) out.tensors.push_back({"optimiser/" + p.name, p.value});
  return out;
}

Network Trainer::averaged() const {
  Network copy = Network::random(options_.model, options_.seed, average_.front().device());
  const torch::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < average_.size(); ++i) copy.parameters()[i].value.detach().copy_(average_[i]);
  return copy;
}

Result<HeadSums> Trainer::step() {
  const double p = progress();
  const int n_local = batch_sequences(options_.batch, p);
  const int n_sequences = n_local * collective_.size();
  const auto n_bytes = static_cast<std::uint64_t>(n_sequences) * options_.data.context;
  for (Network& replica : replicas_) replica.clear_gradients();
  Result<HeadSums> sums = accumulate(n_local, position_.n_sequences, head_weights(options_.schedule, p), static_cast<double>(n_bytes));
  if (!sums) return sums;
  if (const Result<void> reduced = reduce(*sums); !reduced) return tl::unexpected(reduced.error());
  if (!std::isfinite(sums->nats.front())) {
    return fail(ErrorCode::kMalformed, fmt::format("step {}: the loss is no number; the run's last checkpoint is unharmed, lower the rates "
                                                   "and resume from it",
                                                   position_.step));
  }
  optimiser_.step(replicas_.front(), learning_rate_factor(options_.schedule, p), team_);
  refresh_casts();
  ++position_.step;
  position_.n_sequences += static_cast<std::uint64_t>(n_sequences);
  position_.n_bytes += n_bytes;
  update_average();
  return sums;
}

Result<HeadSums> Trainer::accumulate(int n_sequences, std::uint64_t first_sequence, const HeadWeights& weights, double n_normal) {
  std::vector<HeadSums> sums(replicas_.size(), HeadSums(options_.model.n_predict));
  std::vector<Error> errors(replicas_.size(), Error{ErrorCode::kUnreadable, ""});
  team_.run([&](int worker) {
    const auto at = static_cast<std::size_t>(worker);
    for (int i = worker; i < n_sequences; i += team_.size()) {
      // Ranks take turns, so that a batch of all processes is the batch that one process would have drawn.
      const std::uint64_t index = first_sequence + static_cast<std::uint64_t>(i * collective_.size() + collective_.rank());
      const Result<std::string> sequence = data_.sequence(index);
      if (!sequence) {
        errors[at] = sequence.error();
        return;
      }
      replicas_[at].accumulate_gradients(as_batch(*sequence), weights, n_normal, sums[at]);
    }
  });
  for (const Error& error : errors) {
    if (!error.message.empty()) return tl::unexpected(error);
  }
  for (std::size_t i = 1; i < sums.size(); ++i) sums.front() += sums[i];
  return sums.front();
}

/// The first replica's gradients become the sum over workers, then over processes.
Result<void> Trainer::reduce(HeadSums& sums) {
  const std::size_t n_parameters = network().parameters().size();
  team_.for_each(n_parameters, [&](std::size_t i) {
    const torch::NoGradGuard no_gradients;
    const Tensor total = replicas_.front().gradient(i);
    for (std::size_t other = 1; other < replicas_.size(); ++other) {
      const Tensor gradient = replicas_[other].gradient(i);
      if (total.defined() && gradient.defined()) total.detach().add_(gradient);
    }
  });
  if (collective_.size() == 1) return {};
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < n_parameters; ++i) {
    if (const Tensor gradient = replicas_.front().gradient(i); gradient.defined()) tensors.push_back(gradient);
  }
  const auto n_heads = static_cast<std::int64_t>(sums.nats.size());
  Tensor nats = torch::from_blob(sums.nats.data(), {n_heads}, torch::kDouble);
  Tensor n_bytes = torch::from_blob(sums.n_bytes.data(), {n_heads}, torch::kLong);
  tensors.push_back(nats);
  tensors.push_back(n_bytes);
  return collective_.sum(tensors);
}

/// All replicas share the copies.
void Trainer::refresh_casts() {
  team_.for_each(average_.size(), [&](std::size_t i) {
    const torch::NoGradGuard no_gradients;
    replicas_.front().refresh_cast(i);
  });
}

void Trainer::update_average() {
  const double share = std::max(1 / kAverageSteps, 1 / static_cast<double>(position_.step));
  const std::vector<Parameter>& parameters = network().parameters();
  team_.for_each(average_.size(), [&](std::size_t i) {
    const torch::NoGradGuard no_gradients;
    average_[i].lerp_(parameters[i].value, share);
  });
}

Result<void> Trainer::save() {
  if (collective_.rank() != 0) return {};
  const Result<std::filesystem::path> written = write_checkpoint(settings_.directory, checkpoint());
  if (!written) return tl::unexpected(written.error());
  if (const Result<void> drawn = write_loss_plot(settings_.directory); !drawn) return drawn;
  settings_.say(fmt::format("checkpoint {}", written->filename().string()));
  return settings_.held_out == nullptr ? Result<void>() : validate();
}

/// The averaged weights on a few held-out sequences of each language: a curve to watch, not the score to report.
Result<void> Trainer::validate() {
  EvaluateOptions few;
  few.n_sequences = 8;
  few.n_cursors = 0;
  const Result<std::vector<LanguageScore>> scores = evaluate(averaged(), *settings_.held_out, few, team_);
  if (!scores) return tl::unexpected(scores.error());
  std::string line = "held out, bits/byte:";
  std::vector<std::pair<std::string, double>> bits;
  for (const LanguageScore& score : *scores) {
    bits.emplace_back(score.language, score.sums.bits_per_byte(0));
    line += fmt::format(" {} {:.3f}", bits.back().first, bits.back().second);
  }
  settings_.say(line);
  return append_validation(settings_.directory, position_.step, position_.n_bytes, bits);
}

Result<void> Trainer::run(std::stop_token stop) {
  std::error_code error;
  std::filesystem::create_directories(settings_.directory, error);
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", settings_.directory.string(), error.message()));
  std::optional<RunLock> lock;
  if (collective_.rank() == 0) {
    Result<RunLock> acquired = RunLock::acquire(settings_.directory);
    if (!acquired) return tl::unexpected(acquired.error());
    lock.emplace(std::move(*acquired));
  }
  const Clock::time_point start = Clock::now();
  const double seconds_before = position_.seconds;
  const std::uint64_t bytes_before = position_.n_bytes;
  Clock::time_point last_save = start;
  HeadSums since_log(options_.model.n_predict);
  while (position_.n_bytes < options_.total_bytes && !stop.stop_requested()) {
    const Result<HeadSums> sums = step();
    if (!sums) return tl::unexpected(sums.error());
    since_log += *sums;
    const double elapsed = seconds_since(start);
    position_.seconds = seconds_before + elapsed;
    const bool is_done = position_.n_bytes >= options_.total_bytes;
    if (position_.step % static_cast<std::uint64_t>(settings_.log_steps) == 0 || is_done) {
      LossRecord record{position_.step, position_.n_bytes, position_.seconds, learning_rate_factor(options_.schedule, progress()), {}};
      for (int head = 0; head < options_.model.n_predict; ++head) record.bits.push_back(since_log.bits_per_byte(head));
      const double rate = static_cast<double>(position_.n_bytes - bytes_before) / elapsed;
      const double left = static_cast<double>(options_.total_bytes - std::min(options_.total_bytes, position_.n_bytes)) / rate;
      if (collective_.rank() == 0) {
        if (const Result<void> appended = append_loss(settings_.directory, record); !appended) return appended;
        settings_.say(fmt::format("step {} | {:.1f}% | {:.2f} MB | head 1 {:.4f} bits/byte | head {} {:.4f} | {:.1f} kB/s | left {}",
                                  position_.step, 100 * progress(), static_cast<double>(position_.n_bytes) / 1e6, record.bits.front(),
                                  record.bits.size(), record.bits.back(), rate / 1e3, as_time(left)));
      }
      since_log = HeadSums(options_.model.n_predict);
    }
    if (seconds_since(last_save) >= settings_.checkpoint_seconds) {
      if (const Result<void> saved = save(); !saved) return saved;
      last_save = Clock::now();
    }
  }
  return save();
}

}  // namespace octet::bytemodel::training

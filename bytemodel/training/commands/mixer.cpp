#include <algorithm>

#include <fmt/format.h>
#include <torch/utils.h>

#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/mixer/mixer_trainer.h"
#include "engine/model/open_runner.h"

namespace octet::bytemodel::training {

int run_mixer(const MixerCommand& command) {
  const Result<Dataset> corpus = open_split(command.compute, "train", DatasetOptions());
  if (!corpus) return report(corpus.error());
  MixerSamples samples;
  std::vector<std::filesystem::path> models = command.models;
  if (models.empty()) models.emplace_back();  // the default one
  for (const auto& path : models) {
    engine::RunnerOptions runner;
    runner.model = path;
    runner.threads = static_cast<unsigned>(command.compute.n_workers);
    auto model = engine::open_runner(runner);
    if (!model) return report(model.error());
    const std::size_t before = samples.n_places;
    const double bits_before = samples.net_bits;
    MixerSampleOptions options;
    options.documents_per_package = static_cast<std::size_t>(command.documents);
    options.share = command.share;
    options.seed = command.seed;
    options.say = say;
    if (const Result<void> added = add_samples(*corpus, *model->runner, options, samples); !added) return report(added.error());
    say(fmt::format("{}: {:.4f} bits a byte alone over {} places", model->info.name,
                    (samples.net_bits - bits_before) / static_cast<double>(std::max<std::size_t>(samples.n_places - before, 1)),
                    samples.n_places - before));
  }
  MixerTrainOptions options;
  options.epochs = command.epochs;
  options.seed = command.seed;
  options.say = say;
  if (samples.size() < static_cast<std::size_t>(options.batch)) {
    return report(
        {ErrorCode::kInvalidArgument, fmt::format("the corpus gave {} samples, expected at least {}: it needs packages of several files",
                                                  samples.size(), options.batch)});
  }
  at::set_num_threads(command.compute.n_workers);
  const engine::Mixer mixer = train_mixer(samples, options);
  say(fmt::format("on the samples: {:.4f} bits a byte better than the net alone", mixer_gain(samples, mixer)));
  if (const Result<void> written = mixer.write(command.output); !written) return report(written.error());
  say(fmt::format("{}: {} bytes", command.output.string(), std::filesystem::file_size(command.output)));
  return 0;
}

}  // namespace octet::bytemodel::training

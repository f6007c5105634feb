// octet-train: from a manifest to a corpus, from a corpus to weights, from weights to scores.
#include <csignal>
#include <iostream>
#include <string>
#include <thread>

#include <malloc.h>
#include <pthread.h>

#include <CLI/CLI.hpp>

#include "bytemodel/training/commands/commands.h"

namespace {

using namespace octet::bytemodel::training;

constexpr int kExitUsage = 2;

void add_compute(CLI::App& app, ComputeOptions& options) {
  app.add_option("--corpus", options.corpus, "Folder that `octet-train corpus` wrote")->capture_default_str();
  app.add_option("--workers", options.n_workers, "Threads, each with sequences of its own")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--device", options.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
}

void add_train(CLI::App& app, TrainCommand& c) {
  add_compute(app, c.compute);
  app.add_option("--run", c.run, "Folder for checkpoints and curves")->capture_default_str();
  CLI::Option* minutes =
      app.add_option("--minutes", c.minutes, "Plan the run by time, from a rate measured first")->check(CLI::PositiveNumber);
  app.add_option("--megabytes", c.megabytes, "Plan the run by bytes to see")->check(CLI::PositiveNumber)->excludes(minutes);
  app.add_option("--start", c.start, "Model file with the first values (default: random)");
  app.add_option("--d-model", c.d_model)->check(CLI::Range(64, 4096))->capture_default_str();
  app.add_option("--layers", c.n_layers)->check(CLI::Range(1, 128))->capture_default_str();
  app.add_option("--context", c.context, "Bytes in a sequence, a multiple of 64")->check(CLI::Range(128, 65536))->capture_default_str();
  app.add_option("--predict", c.n_predict, "How many future bytes are predicted")->check(CLI::Range(1, 32))->capture_default_str();
  app.add_option("--batch", c.batch, "Sequences in a full batch")->check(CLI::Range(1, 65536))->capture_default_str();
  app.add_option("--seed", c.seed)->capture_default_str();
  app.add_option("--head-schedule", c.head_schedule, "curriculum, constant, reverse, next-byte, or frozen-trunk with --start")
      ->capture_default_str();
  app.add_option("--extra-weight", c.extra_weight, "Of all extra heads together on the trunk")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--middle-share", c.middle_share, "Of the samples, those that fill in a middle")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--muon-rate", c.muon_rate)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--adam-rate", c.adam_rate)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--table-rate", c.table_rate)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--precision", c.precision, "Of the matrix products; auto: bf16 where the processor multiplies it")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}))
      ->capture_default_str();
  app.add_option("--checkpoint-minutes", c.checkpoint_minutes)->check(CLI::NonNegativeNumber)->capture_default_str();
}

/// Freed activations stay with the process: giving them back and touching new pages again took 8 % of a train_step.
void keep_freed_memory() {
  constexpr int kMegabyte = 1 << 20;
  mallopt(M_MMAP_THRESHOLD, 32 * kMegabyte);  // the most that it takes
  mallopt(M_TRIM_THRESHOLD, 1024 * kMegabyte);
}

/// A first SIGINT or SIGTERM asks for a checkpoint and an end; a second one ends at once.
void watch_signals(std::stop_source& stop) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any other thread is there
  std::thread([signals, &stop] {
    int signal = 0;
    sigwait(&signals, &signal);
    stop.request_stop();
    sigwait(&signals, &signal);
    std::_Exit(128 + signal);
  }).detach();
}

}  // namespace

int main(int argc, char** argv) {
  CorpusCommand corpus;
  TrainCommand train;
  SweepCommand sweep;
  ResumeCommand resume;
  CellCommand cell;
  ExportCommand exported;
  EvalCommand eval;
  MixerCommand mixer;

  CLI::App app("Trains byte models with multi-byte prediction.", "octet-train");
  app.require_subcommand(0, 1);  // 1 would hide which word was not understood
  CLI::App* corpus_app = app.add_subcommand("corpus", "Fetch packages and make a corpus of them");
  CLI::Option* manifest =
      corpus_app->add_option("--manifest", corpus.manifest, "Packages to use (default: the manifest of the default model)");
  corpus_app->add_flag("--small", corpus.is_small, "A few packages, made in minutes")->excludes(manifest);
  corpus_app->add_option("--out", corpus.output, "Folder for the corpus")->capture_default_str();
  corpus_app->add_option("--cache", corpus.cache, "Folder for downloads (default: octet in the user's cache folder)");
  corpus_app->add_flag("--keep-going", corpus.keep_going, "Report packages that cannot be had, and go on");

  CLI::App* train_app = app.add_subcommand("train", "Train a model");
  add_train(*train_app, train);
  train_app->add_flag("--profile", train.profile, "Measure the rate and the machine's limit, train nothing");

  CLI::App* resume_app = app.add_subcommand("resume", "Go on from a run's newest checkpoint, bit for bit");
  resume_app->add_option("--corpus", resume.compute.corpus, "The run's corpus")->capture_default_str();
  resume_app->add_option("--device", resume.compute.device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  resume_app->add_option("--run", resume.run)->capture_default_str();
  resume_app->add_option("--checkpoint-minutes", resume.checkpoint_minutes)->check(CLI::NonNegativeNumber)->capture_default_str();

  CLI::App* cell_app = app.add_subcommand("cell", "Train a draft cell on a model's frozen trunk");
  add_compute(*cell_app, cell.compute);
  cell_app->add_option("--model", cell.model, "Model file with linear heads")->required();
  cell_app->add_option("--out", cell.output, "Model file with the cell")->required();
  cell_app->add_option("--cell", cell.cell_dim, "Size of the cell's state")->check(CLI::Range(8, 4096))->capture_default_str();
  cell_app->add_option("--megabytes", cell.megabytes, "Bytes to see")->check(CLI::PositiveNumber)->capture_default_str();
  cell_app->add_option("--seed", cell.seed)->capture_default_str();

  CLI::App* export_app = app.add_subcommand("export", "Write a run's averaged weights, or those of a model, as a model file");
  CLI::Option* exported_run = export_app->add_option("--run", exported.run)->capture_default_str();
  export_app->add_option("--model", exported.model, "A model file instead of a run")->excludes(exported_run);
  export_app->add_option("--out", exported.output)->capture_default_str();
  export_app->add_option("--name", exported.name, "Name of the model")->capture_default_str();
  export_app->add_option("--type", exported.type, "Storage of the matrices: f32, or int8 with one scale a row, a quarter of the size")
      ->check(CLI::IsMember({"f32", "int8"}))
      ->capture_default_str();

  CLI::App* eval_app = app.add_subcommand("eval", "Score a run or a model on the held-out text");
  add_compute(*eval_app, eval.compute);
  CLI::Option* run_option = eval_app->add_option("--run", eval.run)->capture_default_str();
  eval_app->add_option("--model", eval.model, "A model file instead of a run")->excludes(run_option);
  eval_app->add_option("--sequences", eval.n_sequences, "Of each language, for bits per byte")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  eval_app->add_option("--cursors", eval.n_cursors, "Of each language, for drafting and exact match")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  eval_app->add_option("--json", eval.json, "Also write the scores to this file");

  CLI::App* sweep_app = app.add_subcommand("sweep", "Train short runs and report the best number of predicted bytes");
  add_train(*sweep_app, sweep.train);
  sweep_app->add_option("--numbers", sweep.n_predict, "Numbers of predicted bytes to try")->check(CLI::Range(1, 32))->delimiter(',');

  CLI::App* mixer_app = app.add_subcommand("mixer", "Train the mixer of net and workspace memory on the packages of a corpus");
  add_compute(*mixer_app, mixer.compute);
  mixer_app->add_option("--model", mixer.models, "Model files whose predictions are mixed (default: the default model)");
  mixer_app->add_option("--out", mixer.output, "File for the weights")->capture_default_str();
  mixer_app->add_option("--documents", mixer.documents, "Of each package")->check(CLI::Range(1, 1000))->capture_default_str();
  mixer_app->add_option("--share", mixer.share, "Of their places that become samples")
      ->check(CLI::Range(0.001, 1.0))
      ->capture_default_str();
  mixer_app->add_option("--epochs", mixer.epochs)->check(CLI::Range(1, 1000))->capture_default_str();
  mixer_app->add_option("--seed", mixer.seed)->capture_default_str();

  try {  // the library reports by throwing
    app.parse(argc, argv);
    if (app.get_subcommands().empty()) throw CLI::RequiredError("A verb (corpus, train, resume, cell, export, eval, sweep or mixer)");
    const TrainCommand& plan = sweep_app->parsed() ? sweep.train : train;
    if ((train_app->parsed() || sweep_app->parsed()) && plan.minutes == 0 && plan.megabytes == 0 && !plan.profile)
      throw CLI::RequiredError("--minutes or --megabytes");
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::Error& error) {
    app.exit(error, std::cerr, std::cerr);
    return kExitUsage;
  }

  keep_freed_memory();
  std::stop_source stop;
  if (!corpus_app->parsed()) watch_signals(stop);  // a corpus has no checkpoint: it ends at once, and its downloads are there
  try {                                            // LibTorch reports by throwing
    if (corpus_app->parsed()) return run_corpus(corpus);
    if (train_app->parsed()) return run_train(train, stop.get_token());
    if (resume_app->parsed()) return run_resume(resume, stop.get_token());
    if (cell_app->parsed()) return run_cell(cell, stop.get_token());
    if (export_app->parsed()) return run_export(exported);
    if (eval_app->parsed()) return run_eval(eval);
    if (mixer_app->parsed()) return run_mixer(mixer);
    return run_sweep(sweep, stop.get_token());
  } catch (const std::exception& error) {
    const std::string text = error.what();  // a line, then a trace of LibTorch's inside
    std::cerr << "octet-train: " << text.substr(0, text.find('\n')) << '\n';
    return 1;
  }
}

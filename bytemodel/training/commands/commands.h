// The verbs of octet-train. Each prints its results on standard output, errors on standard error, and returns the exit
// code: 0 done, 1 failed.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "bytemodel/training/train_options.h"

namespace octet::bytemodel::training {

struct CorpusCommand {
  std::filesystem::path manifest;  // empty = the one beside the trainer's sources
  bool is_small = false;           // the few packages of the small one
  std::filesystem::path output = "corpus";
  std::filesystem::path cache;
  bool keep_going = false;
};

/// What every verb that computes shares.
struct ComputeOptions {
  std::filesystem::path corpus = "corpus";
  int n_workers = 2;
  std::string device = "cpu";
};

struct TrainCommand {
  ComputeOptions compute;
  std::filesystem::path run = "run";
  std::filesystem::path start;  // model file with the first values; empty = random
  int d_model = 192;
  int n_layers = 5;
  int context = 1024;
  int n_predict = 8;
  int cell_dim = 0;
  double minutes = 0;    // either this
  double megabytes = 0;  // or this
  int batch = 16;
  std::uint64_t seed = 1;
  std::string head_schedule = "curriculum";
  double extra_weight = 0.5;
  double middle_share = 0.6;
  double muon_rate = OptimiserOptions().muon_rate;
  double adam_rate = OptimiserOptions().adam_rate;
  double table_rate = OptimiserOptions().table_rate;
  std::string precision = "auto";
  double checkpoint_minutes = 10;
  bool profile = false;
};

struct ResumeCommand {
  ComputeOptions compute;
  std::filesystem::path run = "run";
  double checkpoint_minutes = 10;
};

struct CellCommand {
  ComputeOptions compute;
  std::filesystem::path model;  // a model with cell_dim > 0, or any with --cell
  std::filesystem::path output;
  int cell_dim = 128;
  double megabytes = 2;
  std::uint64_t seed = 1;
};

struct ExportCommand {
  std::filesystem::path run = "run";
  std::filesystem::path model;  // instead of a run
  std::filesystem::path output = "model.safetensors";
  std::string name = "octet";
  std::string type = "f32";  // or "int8"
};

struct EvalCommand {
  ComputeOptions compute;
  std::filesystem::path run = "run";
  std::filesystem::path model;  // instead of a run
  int n_sequences = 32;
  int n_cursors = 8;
  std::filesystem::path json;
};

struct SweepCommand {
  TrainCommand train;
  std::vector<int> n_predict = {1, 2, 4, 8};
};

struct MixerCommand {
  ComputeOptions compute;
  std::vector<std::filesystem::path> models;  // whose rows are mixed; empty = the default model
  std::filesystem::path output = "mixer.safetensors";
  int documents = 8;  // of each package
  double share = 1;   // of their places
  int epochs = 4;
  std::uint64_t seed = 1;
};

int run_corpus(const CorpusCommand& command);
int run_train(const TrainCommand& command, std::stop_token stop);
int run_resume(const ResumeCommand& command, std::stop_token stop);
int run_cell(const CellCommand& command, std::stop_token stop);
int run_export(const ExportCommand& command);
int run_eval(const EvalCommand& command);
int run_mixer(const MixerCommand& command);
int run_sweep(const SweepCommand& command, std::stop_token stop);

}  // namespace octet::bytemodel::training

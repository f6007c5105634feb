// Scores of a network on held-out text: how well each head predicts, and how far drafting gets.
#pragma once

#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/dataset.h"
#include "bytemodel/training/heads_loss.h"
#include "bytemodel/training/network.h"
#include "bytemodel/training/worker_team.h"

namespace octet::bytemodel::training {

struct EvaluateOptions {
  int n_sequences = 32;  // of each language, for bits per byte
  int n_cursors = 8;     // of each language, for drafting and exact match; 0 = leave these out
  int n_prompt_bytes = 384;
  int n_generated_bytes = 64;
};

struct LanguageScore {
  std::string language;
  HeadSums sums{0};
  std::int64_t n_accepted_bytes = 0;  // greedy self-speculation, with the draft cell where there is one
  std::int64_t n_steps = 0;
  std::int64_t n_exact = 0;  // cursors where the rest of the line came out as it stands in the file
  std::int64_t n_cursors = 0;

  double accepted_per_step() const { return n_steps == 0 ? 0 : static_cast<double>(n_accepted_bytes) / static_cast<double>(n_steps); }
};

/// One score a language of `data`; the same sequences and cursors for every network. Fails as reading fails, with
/// kInvalidArgument where the network's context is shorter than what is asked of it.
Result<std::vector<LanguageScore>> evaluate(const Network& network, const Dataset& data, const EvaluateOptions& options,
                                            const WorkerTeam& team);

/// The sum of all; its language is "all".
LanguageScore total(const std::vector<LanguageScore>& scores, int n_predict);

/// For people: a line a language and one for all. For programs: one JSON object.
std::string to_table(const std::vector<LanguageScore>& scores, int n_predict);
std::string to_json(const std::vector<LanguageScore>& scores, int n_predict);

}  // namespace octet::bytemodel::training

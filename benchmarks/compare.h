// octet-bench compare: is B slower than A, or does it do other work?
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "bytemodel/result.h"

namespace octet::benchmarks {

struct CompareOptions {
  std::filesystem::path a;
  std::filesystem::path b;
  double threshold = 0.05;  // smaller changes are none, however sure
  std::filesystem::path json;
};

enum class Verdict { kSame, kBetter, kWorse, kNotJudged };

/// A figure that both results have.
struct Comparison {
  std::string name;
  std::string unit;
  double a = 0;  // medians
  double b = 0;
  double change = 0;       // of B against A, of means (geometric ones, where nothing is 0): 0.15 is 15 % more
  double probability = 1;  // of a change as large where there is none, after Holm's correction for how many were judged
  Verdict verdict = Verdict::kNotJudged;
};

/// Judges what the results mark for it (`judged`). Times: Student's t on logarithms, of pairs where both results come from one run that
/// took turns or the values belong to the same files, else Welch's. Counts: the same work gives the same number, so that any other is a
/// change. A judged change counts from `threshold` on with a probability below 0.05.
///
/// Fails with kInvalidArgument where the two are not comparable: other verbs, other traces, a void run.
Result<std::vector<Comparison>> compare_results(const nlohmann::json& a, const nlohmann::json& b, double threshold);

/// The process's exit code: 0 nothing is worse, 1 something is, 2 they cannot be compared.
int run_compare(const CompareOptions& options);

}  // namespace octet::benchmarks

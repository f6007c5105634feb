#include "benchmarks/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <optional>
#include <string_view>

#include <fmt/format.h>
#include <boost/math/distributions/students_t.hpp>

#include "benchmarks/figures.h"
#include "benchmarks/report.h"

namespace octet::benchmarks {
namespace {

using Json = nlohmann::json;

constexpr double kSignificance = 0.05;

struct Sample {
  double mean = 0;
  double variance = 0;
  double n = 0;
};

Sample sample_of(const std::vector<double>& values) {
  Sample sample;
  sample.n = static_cast<double>(values.size());
  for (const double value : values) sample.mean += value / sample.n;
  for (const double value : values) sample.variance += (value - sample.mean) * (value - sample.mean) / (sample.n - 1);
  return sample;
}

/// Of a t as far from 0, to either side.
double two_sided(double t, double degrees) {
  if (std::isnan(t)) return 1;  // nothing varies, and nothing differs
  if (std::isinf(t)) return 0;
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), std::abs(t)));
}

double probability_of_pairs(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) differences.push_back(b[i] - a[i]);
  const Sample sample = sample_of(differences);
  return two_sided(sample.mean / std::sqrt(sample.variance / sample.n), sample.n - 1);
}

/// Welch's.
double probability_of_groups(const std::vector<double>& a, const std::vector<double>& b) {
  const Sample x = sample_of(a);
  const Sample y = sample_of(b);
  const double vx = x.variance / x.n;
  const double vy = y.variance / y.n;
  if (vx + vy == 0) return x.mean == y.mean ? 1 : 0;
  const double degrees = (vx + vy) * (vx + vy) / (vx * vx / (x.n - 1) + vy * vy / (y.n - 1));
  return two_sided((y.mean - x.mean) / std::sqrt(vx + vy), degrees);
}

std::vector<double> logarithms(std::vector<double> values) {
  for (double& value : values) value = std::log(value);
  return values;
}

/// Why the two cannot be compared; nothing where they can.
std::optional<std::string> obstacle(const Json& a, const Json& b) {
  for (const auto& [name, result] : {std::pair{"A", &a}, {"B", &b}}) {
    if (!result->is_object() || !result->contains("figures") || !(*result)["figures"].is_object())
      return fmt::format("{} has no figures: expected what `octet-bench latency --json` or `quality --json` wrote", name);
    if (result->value("texts_wrong", 0) > 0) return fmt::format("{} is void: its texts are wrong", name);
  }
  if (a.value("verb", "") != b.value("verb", ""))
    return fmt::format("A is of \"{}\", B of \"{}\"", a.value("verb", ""), b.value("verb", ""));
  const auto trace = [](const Json& result) { return result.value("trace", Json::object()); };
  for (const char* name : {"hash", "speed"}) {
    if (trace(a).value(name, Json()) != trace(b).value(name, Json()))
      return fmt::format("they were given other work: the traces' {} differs", name);
  }
  return std::nullopt;
}

/// Numbers alone; nothing where the figure is no figure.
std::optional<std::vector<double>> values_of(const Json& figure) {
  if (!figure.is_object() || !figure.contains("values") || !figure["values"].is_array() || figure["values"].empty()) return std::nullopt;
  std::vector<double> values;
  for (const Json& value : figure["values"]) {
    if (!value.is_number()) return std::nullopt;
    values.push_back(value.get<double>());
  }
  return values;
}

struct Difference {
  double change = 0;  // of B against A
  double probability = 1;
};

Difference difference_of(const std::vector<double>& a, const std::vector<double>& b, bool are_pairs) {
  const auto is_positive = [](double value) { return value > 0; };
  const bool has_logarithms = std::ranges::all_of(a, is_positive) && std::ranges::all_of(b, is_positive);
  const auto x = has_logarithms ? logarithms(a) : a;
  const auto y = has_logarithms ? logarithms(b) : b;
  const double from = sample_of(x).mean;
  const double to = sample_of(y).mean;
  const double change = from == to ? 0 : has_logarithms ? std::expm1(to - from) : (to - from) / std::abs(from);
  if (a.size() < 2 || b.size() < 2) return {change, 1};
  return {change, are_pairs && a.size() == b.size() ? probability_of_pairs(x, y) : probability_of_groups(x, y)};
}

/// Holm 1979: the smallest of m counts m times, the next one m - 1 times, and none less than one before it.
void correct(std::vector<Comparison*> judged) {
  std::ranges::sort(judged, {}, [](const Comparison* comparison) { return comparison->probability; });
  double least = 0;
  for (std::size_t i = 0; i < judged.size(); ++i) {
    least = std::max(least, std::min(1.0, static_cast<double>(judged.size() - i) * judged[i]->probability));
    judged[i]->probability = least;
  }
}

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kNames{"same", "better", "worse", ""};
  return kNames.at(static_cast<std::size_t>(verdict));
}

Result<Json> read_result(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read", path.string()));
  Json result = Json::parse(file, nullptr, /*allow_exceptions=*/false);
  if (result.is_discarded()) return fail(ErrorCode::kMalformed, fmt::format("{}: expected JSON", path.string()));
  return result;
}

}  // namespace

Result<std::vector<Comparison>> compare_results(const Json& a, const Json& b, double threshold) {
  if (const auto what = obstacle(a, b)) return fail(ErrorCode::kInvalidArgument, *what);
  const bool are_of_one_run = a.contains("run") && a["run"] == b.value("run", Json());
  std::vector<Comparison> comparisons;
  std::vector<std::size_t> to_correct;
  for (const auto& [name, figure] : a["figures"].items()) {
    const auto x = values_of(figure);
    const auto y = values_of(b["figures"].value(name, Json()));
    if (!x || !y) continue;
    Comparison comparison{name, figure.value("unit", ""), median(*x), median(*y), 0, 1, Verdict::kNotJudged};
    const std::string kind = figure.value("kind", "time");
    const Difference difference = difference_of(*x, *y, are_of_one_run || kind == "ratio");
    comparison.change = difference.change;
    if (figure.value("judged", false)) {
      comparison.verdict = Verdict::kSame;
      comparison.probability = kind == "count" ? (comparison.a == comparison.b ? 1 : 0) : difference.probability;
      if (kind != "count") to_correct.push_back(comparisons.size());
    }
    comparisons.push_back(std::move(comparison));
  }
  if (comparisons.empty()) return fail(ErrorCode::kInvalidArgument, "they have no figure in common");
  std::vector<Comparison*> judged;
  for (const std::size_t i : to_correct) judged.push_back(&comparisons[i]);
  correct(judged);
  for (Comparison& comparison : comparisons) {
    const Json& figure = a["figures"][comparison.name];
    const bool is_count = figure.value("kind", "time") == "count";
    if (comparison.verdict == Verdict::kNotJudged || comparison.probability >= kSignificance) continue;
    if (!is_count && std::abs(comparison.change) < threshold) continue;
    const bool is_more = comparison.b > comparison.a;
    comparison.verdict = is_more == (figure.value("better", "less") == "more") ? Verdict::kBetter : Verdict::kWorse;
  }
  return comparisons;
}

int run_compare(const CompareOptions& options) {
  const auto failed = [](const std::string& message) { return print(stderr, "octet-bench compare: {}\n", message), 2; };
  const auto a = read_result(options.a);
  if (!a) return failed(a.error().message);
  const auto b = read_result(options.b);
  if (!b) return failed(b.error().message);
  const auto comparisons = compare_results(*a, *b, options.threshold);
  if (!comparisons) return failed(comparisons.error().message);

  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  bool is_worse = false;
  print(stdout, "{:<36}{:>14}{:>14}{:>10}{:>8}  {}\n", "", "A", "B", "change", "p", "");
  for (const Comparison& comparison : *comparisons) {
    const bool is_judged = comparison.verdict != Verdict::kNotJudged;
    is_worse = is_worse || comparison.verdict == Verdict::kWorse;
    print(stdout, "{:<36}{:>14.6g}{:>14.6g}{:>9.1f}%{:>8}  {}\n", comparison.name, comparison.a, comparison.b, 100 * comparison.change,
          is_judged ? fmt::format("{:.3f}", comparison.probability) : "", to_string(comparison.verdict));
    rows.push_back({{"name", comparison.name},
                    {"a", comparison.a},
                    {"b", comparison.b},
                    {"change", comparison.change},
                    {"probability", is_judged ? nlohmann::ordered_json(comparison.probability) : nlohmann::ordered_json(nullptr)},
                    {"verdict", to_string(comparison.verdict)}});
  }
  if (a->value("text_hash", "") != b->value("text_hash", "")) print(stdout, "the texts are not the same\n");
  print(stdout, "{}\n", is_worse ? "B is worse" : "B is not worse");
  if (!write_json(options.json, {{"comparisons", rows}, {"worse", is_worse}}, "compare")) return 2;
  return is_worse ? 1 : 0;
}

}  // namespace octet::benchmarks

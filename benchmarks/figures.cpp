#include "benchmarks/figures.h"

#include <algorithm>
#include <cmath>

namespace octet::benchmarks {
namespace {

constexpr double kFar = 3.5;

}  // namespace

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[std::min(static_cast<std::size_t>(std::max(rank, 1.0)) - 1, values.size() - 1)];
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double deviation(const std::vector<double>& values) {
  const double middle = median(values);
  std::vector<double> distances;
  for (const double value : values) distances.push_back(std::abs(value - middle));
  return 1.4826 * median(distances);
}

std::vector<std::size_t> outliers(const std::vector<double>& values) {
  const double middle = median(values);
  const double limit = kFar * deviation(values);
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (limit > 0 && std::abs(values[i] - middle) > limit) found.push_back(i);
  }
  return found;
}

nlohmann::ordered_json to_json(const std::vector<Figure>& figures) {
  auto json = nlohmann::ordered_json::object();
  for (const Figure& figure : figures) {
    json[figure.name] = {{"values", figure.values},
                         {"median", median(figure.values)},
                         {"mad", deviation(figure.values)},
                         {"outliers", outliers(figure.values)},
                         {"unit", figure.unit},
                         {"better", figure.better},
                         {"kind", figure.kind},
                         {"judged", figure.is_judged}};
  }
  return json;
}

}  // namespace octet::benchmarks

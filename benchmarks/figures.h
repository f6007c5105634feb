// Figures of a run as other runs are compared with: one value a repetition, or a file.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace octet::benchmarks {

/// In the JSON of a result `figures[name]` is {"values", "median", "mad", "outliers", "unit", "better", "kind", "judged"}.
struct Figure {
  std::string name;            // "unhurried.whole_ms.p50"
  std::string unit;            // "ms", "bytes", "", ...
  std::string better;          // "less" or "more"
  std::string kind;            // "time": differs from run to run; "ratio": of the same files; "count": the same work gives the same number
  bool is_judged = false;      // whether a comparison says which run is better; the others are for the reader
  std::vector<double> values;  // of what is comparable, in a fixed order
};

/// The nearest rank: the smallest value that at least `share` (0 to 1) of them do not exceed. 0 where there are none.
double percentile(std::vector<double> values, double share);
double median(std::vector<double> values);
/// Median absolute deviation from the median, times 1.4826: the standard deviation, where values are normal.
double deviation(const std::vector<double>& values);
/// Those further than 3.5 deviations from the median. Source: Iglewicz and Hoaglin 1993.
std::vector<std::size_t> outliers(const std::vector<double>& values);

/// {name: {...}} in the order given.
nlohmann::ordered_json to_json(const std::vector<Figure>& figures);

}  // namespace octet::benchmarks

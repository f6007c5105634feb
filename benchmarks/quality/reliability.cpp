#include "benchmarks/quality/reliability.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "benchmarks/report.h"

namespace octet::benchmarks {
namespace {

constexpr std::size_t kLine = 0;  // in place of a number of bytes: the first line
constexpr std::array<std::size_t, 5> kLengths{1, 4, 8, 16, kLine};

double share(double part, std::size_t whole) { return part / static_cast<double>(std::max<std::size_t>(whole, 1)); }
double share(std::size_t part, std::size_t whole) { return share(static_cast<double>(part), whole); }

}  // namespace

void Reliability::add(const std::string& file, std::size_t cursor, const engine::CompletionResult& result, const std::string& truth) {
  const auto mismatch = std::mismatch(result.text.begin(), result.text.end(), truth.begin(), truth.end());
  const auto n_right = static_cast<std::size_t>(mismatch.first - result.text.begin());
  completions_.push_back({file, cursor, result.stop_reason, result.text, result.probabilities, n_right});
}

Reliability& Reliability::operator+=(const Reliability& other) {
  completions_.insert(completions_.end(), other.completions_.begin(), other.completions_.end());
  return *this;
}

Reliability::Bins Reliability::bins_of(std::size_t length) const {
  Bins found;
  std::size_t n = 0;
  for (const auto& completion : completions_) {
    const std::size_t n_bytes = length == kLine ? std::min(completion.text.find('\n'), completion.text.size()) : length;
    if (n_bytes == 0 || completion.text.size() < n_bytes) continue;
    double confidence = 1;
    for (std::size_t i = 0; i < n_bytes; ++i) confidence *= static_cast<double>(completion.probabilities[i]);
    Bin& bin = found.bins[std::min(static_cast<std::size_t>(confidence * kNBins), kNBins - 1)];
    ++bin.n;
    ++n;
    bin.n_right += completion.n_right >= n_bytes ? 1 : 0;
    bin.confidence += confidence;
  }
  for (const Bin& bin : found.bins) found.error += std::abs(bin.confidence - static_cast<double>(bin.n_right));
  found.error /= static_cast<double>(std::max<std::size_t>(n, 1));
  return found;
}

void Reliability::print_table() const {
  print(stdout, "confidence of the first bytes against the share that is right, and how many there are\n{:<12}", "bin");
  for (std::size_t bin = 0; bin < kNBins; ++bin)
    print(stdout, "{:>16}", fmt::format("{:.1f}-{:.1f}", 0.1 * static_cast<double>(bin), 0.1 * static_cast<double>(bin + 1)));
  print(stdout, "{:>10}\n", "error");
  for (const std::size_t length : kLengths) {
    const auto [bins, error] = bins_of(length);
    print(stdout, "{:<12}", length == kLine ? "line" : fmt::format("{} bytes", length));
    for (const Bin& bin : bins)
      print(stdout, "{:>16}", fmt::format("{:.2f} {:.2f} {:>5}", share(bin.confidence, bin.n), share(bin.n_right, bin.n), bin.n));
    print(stdout, "{:>10.3f}\n", error);
  }
}

nlohmann::json Reliability::json(bool has_completions) const {
  auto lengths = nlohmann::json::array();
  for (const std::size_t length : kLengths) {
    const auto found = bins_of(length);
    auto bins = nlohmann::json::array();
    for (const Bin& bin : found.bins) {
      bins.push_back({{"n", bin.n}, {"sure", share(bin.confidence, bin.n)}, {"right", share(bin.n_right, bin.n)}});
    }
    lengths.push_back(
        {{"bytes", length == kLine ? nlohmann::json(nullptr) : nlohmann::json(length)}, {"error", found.error}, {"bins", std::move(bins)}});
  }
  nlohmann::json result{{"lengths", std::move(lengths)}};
  if (!has_completions) return result;
  auto completions = nlohmann::json::array();
  for (const auto& completion : completions_) {
    completions.push_back({{"file", completion.file},
                           {"cursor", completion.cursor},
                           {"stop_reason", engine::to_string(completion.stop_reason)},
                           {"text", completion.text},
                           {"probabilities", completion.probabilities},
                           {"right", completion.n_right}});
  }
  result["completions"] = std::move(completions);
  return result;
}

}  // namespace octet::benchmarks

#include "benchmarks/reliability.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "benchmarks/report.h"

namespace octet::benchmarks {
namespace {

constexpr std::size_t kNBins = 10;
constexpr std::size_t kLine = 0;  // in place of a number of bytes: the first line
constexpr std::array<std::size_t, 5> kLengths{1, 4, 8, 16, kLine};

struct Bin {
  std::size_t n = 0;
  std::size_t n_right = 0;
  double confidence = 0;
};

double share(std::size_t part, std::size_t whole) {
  return static_cast<double>(part) / static_cast<double>(std::max<std::size_t>(whole, 1));
}

}  // namespace

void Reliability::add(const std::string& file, std::size_t cursor, const engine::CompletionResult& result, const std::string& truth) {
  const auto mismatch = std::mismatch(result.text.begin(), result.text.end(), truth.begin(), truth.end());
  const auto n_right = static_cast<std::size_t>(mismatch.first - result.text.begin());
  completions_.push_back({file, cursor, result.stop_reason, result.text, result.probabilities, n_right});
}

void Reliability::print_table() const {
  print(stdout, "confidence of the first bytes against the share that is right, and how many there are\n{:<12}", "bin");
  for (std::size_t bin = 0; bin < kNBins; ++bin)
    print(stdout, "{:>16}", fmt::format("{:.1f}-{:.1f}", 0.1 * static_cast<double>(bin), 0.1 * static_cast<double>(bin + 1)));
  print(stdout, "{:>10}\n", "error");
  for (const std::size_t length : kLengths) {
    std::array<Bin, kNBins> bins{};
    std::size_t n = 0;
    for (const auto& completion : completions_) {
      const std::size_t n_bytes = length == kLine ? std::min(completion.text.find('\n'), completion.text.size()) : length;
      if (n_bytes == 0 || completion.text.size() < n_bytes) continue;
      double confidence = 1;
      for (std::size_t i = 0; i < n_bytes; ++i) confidence *= static_cast<double>(completion.probabilities[i]);
      Bin& bin = bins[std::min(static_cast<std::size_t>(confidence * kNBins), kNBins - 1)];
      ++bin.n;
      ++n;
      bin.n_right += completion.n_right >= n_bytes ? 1 : 0;
      bin.confidence += confidence;
    }
    double error = 0;
    print(stdout, "{:<12}", length == kLine ? "line" : fmt::format("{} bytes", length));
    for (const Bin& bin : bins) {
      error += std::abs(bin.confidence - static_cast<double>(bin.n_right));
      print(stdout, "{:>16}",
            fmt::format("{:.2f} {:.2f} {:>5}", bin.confidence / static_cast<double>(std::max<std::size_t>(bin.n, 1)),
                        share(bin.n_right, bin.n), bin.n));
    }
    print(stdout, "{:>10.3f}\n", error / static_cast<double>(std::max<std::size_t>(n, 1)));
  }
}

nlohmann::json Reliability::json() const {
  auto completions = nlohmann::json::array();
  for (const auto& completion : completions_) {
    completions.push_back({{"file", completion.file},
                           {"cursor", completion.cursor},
                           {"stop_reason", engine::to_string(completion.stop_reason)},
                           {"text", completion.text},
                           {"probabilities", completion.probabilities},
                           {"right", completion.n_right}});
  }
  return {{"completions", std::move(completions)}};
}

}  // namespace octet::benchmarks

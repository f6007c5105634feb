#include "bytemodel/training/loss_curve.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFixedColumns = "step,bytes,seconds,rate_factor";

std::string to_line(const LossRecord& record) {
  std::string line = fmt::format("{},{},{:.1f},{:.4f}", record.step, record.n_bytes, record.seconds, record.rate_factor);
  for (const double bits : record.bits) line += fmt::format(",{:.4f}", bits);
  return line + "\n";
}

std::vector<LossRecord> read_losses(const fs::path& path) {
  std::vector<LossRecord> records;
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::istringstream fields(line);
    LossRecord record;
    char comma = 0;
    if (!(fields >> record.step >> comma >> record.n_bytes >> comma >> record.seconds >> comma >> record.rate_factor)) continue;
    for (double bits = 0; fields >> comma >> bits;) record.bits.push_back(bits);
    records.push_back(std::move(record));
  }
  return records;
}

Result<void> write_file(const fs::path& path, const std::string& text, std::ios::openmode mode) {
  std::ofstream out(path, mode);
  out << text;
  out.flush();
  if (!out) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be written", path.string()));
  return {};
}

std::string head_line(std::size_t n_heads) {
  std::string line = kFixedColumns;
  for (std::size_t head = 1; head <= n_heads; ++head) line += fmt::format(",head_{}", head);
  return line + "\n";
}

}  // namespace

Result<void> append_loss(const fs::path& directory, const LossRecord& record) {
  const fs::path path = directory / "loss.csv";
  std::error_code error;
  const bool is_new = !fs::exists(path, error);
  return write_file(path, (is_new ? head_line(record.bits.size()) : "") + to_line(record), std::ios::app);
}

Result<void> drop_losses_behind(const fs::path& directory, std::uint64_t step) {
  const fs::path path = directory / "loss.csv";
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  const std::vector<LossRecord> records = read_losses(path);
  std::string text = head_line(records.empty() ? 0 : records.front().bits.size());
  for (const LossRecord& record : records) {
    if (record.step <= step) text += to_line(record);
  }
  return write_file(path, text, std::ios::trunc);
}

Result<void> append_validation(const fs::path& directory, std::uint64_t step, std::uint64_t n_bytes,
                               const std::vector<std::pair<std::string, double>>& bits_by_language) {
  const fs::path path = directory / "validation.csv";
  std::error_code error;
  std::string head = "step,bytes";
  std::string line = fmt::format("{},{}", step, n_bytes);
  for (const auto& [language, bits] : bits_by_language) {
    head += "," + language;
    line += fmt::format(",{:.4f}", bits);
  }
  return write_file(path, (fs::exists(path, error) ? "" : head + "\n") + line + "\n", std::ios::app);
}

std::string draw_losses(const std::vector<LossRecord>& records) {
  constexpr double kWidth = 800;
  constexpr double kHeight = 480;
  constexpr double kMargin = 50;
  constexpr const char* kColours[] = {"#1b6ca8", "#e07b39", "#3a9a5c", "#c0392b", "#8e5bb5", "#7a5c48", "#d16ba5", "#7f8c8d"};
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kWidth, kHeight);
  double most_bytes = 1;
  double most_bits = 1;
  for (const LossRecord& record : records) {
    most_bytes = std::max(most_bytes, static_cast<double>(record.n_bytes));
    // The first moments are far above all that follows: the plot begins where a third of the range is left.
    for (const double bits : record.bits) most_bits = std::max(most_bits, std::min(bits, 6.0));
  }
  const auto x = [&](double bytes) { return kMargin + bytes / most_bytes * (kWidth - 2 * kMargin); };
  const auto y = [&](double bits) { return kHeight - kMargin - std::min(bits, most_bits) / most_bits * (kHeight - 2 * kMargin); };
  for (int bits = 0; bits <= static_cast<int>(most_bits); ++bits) {
    out +=
        fmt::format("<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text x=\"{3}\" y=\"{4:.1f}\">{5}</text>\n",
                    kMargin, kWidth - kMargin, y(bits), kMargin - 18, y(bits) + 4, bits);
  }
  out += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{:.1f} MB seen</text><text x=\"{}\" y=\"{}\">bits per byte</text>\n",
                     kWidth - kMargin, kHeight - kMargin + 20, most_bytes / 1e6, kMargin, kMargin - 15);
  const std::size_t n_heads = records.empty() ? 0 : records.front().bits.size();
  for (std::size_t head = 0; head < n_heads; ++head) {
    const char* colour = kColours[head % std::size(kColours)];
    out += fmt::format("<polyline fill=\"none\" stroke=\"{}\" points=\"", colour);
    for (const LossRecord& record : records) {
      if (record.bits[head] > 0) out += fmt::format("{:.1f},{:.1f} ", x(static_cast<double>(record.n_bytes)), y(record.bits[head]));
    }
    out += fmt::format("\"/><text x=\"{}\" y=\"{}\" fill=\"{}\">head {}</text>\n", kWidth - kMargin + 6,
                       kMargin + 16 * static_cast<double>(head), colour, head + 1);
  }
  return out + "</svg>\n";
}

Result<void> write_loss_plot(const fs::path& directory) {
  return write_file(directory / "loss.svg", draw_losses(read_losses(directory / "loss.csv")), std::ios::trunc);
}

}  // namespace octet::bytemodel::training

#include "benchmarks/quality/boilerplate.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace octet::benchmarks {
namespace {

constexpr std::size_t kMinFiles = 3;
constexpr double kMinShare = 0.2;
constexpr std::size_t kMinLine = 12;

template <class Visit>
void for_each_line(std::string_view text, const Visit& visit) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    visit(begin, text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

Boilerplate::Boilerplate(const std::vector<engine::SegmentFile>& files) {
  for (const auto& file : files) {
    const std::string ending = std::filesystem::path(file.path).extension();
    ++n_files_[ending];
    std::set<std::string_view> seen;
    for_each_line(*file.text, [&](std::size_t, std::string_view line) {
      if (line.size() >= kMinLine && seen.insert(line).second) ++n_with_line_[ending][std::string(line)];
    });
  }
}

std::vector<bool> Boilerplate::mark(const SourceFile& file) const {
  std::vector<bool> marks(file.text.size());
  const auto lines = n_with_line_.find(file.ending);
  if (lines == n_with_line_.end()) return marks;
  const double n_files = static_cast<double>(n_files_.at(file.ending));
  for_each_line(file.text, [&](std::size_t begin, std::string_view line) {
    const auto found = lines->second.find(std::string(line));
    if (found == lines->second.end() || found->second < kMinFiles) return;
    if (static_cast<double>(found->second) < kMinShare * n_files) return;
    for (std::size_t i = begin; i < std::min(begin + line.size() + 1, marks.size()); ++i) marks[i] = true;
  });
  return marks;
}

}  // namespace octet::benchmarks

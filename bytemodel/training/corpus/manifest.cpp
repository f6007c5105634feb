#include "bytemodel/training/corpus/manifest.h"

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace octet::bytemodel::training {
namespace {

/// Names and versions become arguments and file names: only what Debian and npm allow in them.
bool is_plain(const std::string& word) {
  return !word.empty() && word.front() != '-' && word.find("..") == std::string::npos &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-~:_@/") == std::string::npos;
}

}  // namespace

const char* name(Split split) { return split == Split::kTrain ? "train" : "held-out"; }

Result<std::vector<ManifestEntry>> parse_manifest(const std::string& text) {
  std::vector<ManifestEntry> entries;
  std::set<std::string> names;
  std::istringstream lines(text);
  std::string line;
  for (int line_idx = 1; std::getline(lines, line); ++line_idx) {
    const auto malformed = [line_idx](const std::string& what) {
      return fail(ErrorCode::kMalformed, fmt::format("line {}: {}", line_idx, what));
    };
    std::istringstream fields(line.substr(0, line.find('#')));
    const std::vector<std::string> words{std::istream_iterator<std::string>(fields), std::istream_iterator<std::string>()};
    if (words.empty()) continue;
    if (words.size() != 5) {
      return malformed(fmt::format("expected SOURCE NAME VERSION SPLIT LICENCE, found {} words", words.size()));
    }
    ManifestEntry entry;
    if (words[0] == "deb") {
      entry.source = PackageSource::kDebianBinary;
    } else if (words[0] == "npm") {
      entry.source = PackageSource::kNpm;
    } else if (words[0] != "deb-src") {
      return malformed(fmt::format("source: expected deb-src, deb or npm, found '{}'", words[0]));
    }
    for (const std::size_t i : {std::size_t{1}, std::size_t{2}}) {
      if (!is_plain(words[i])) return malformed(fmt::format("expected a package's name and version, found '{}'", words[i]));
    }
    entry.name = words[1];
    entry.version = words[2];
    if (words[3] == "held-out") {
      entry.split = Split::kHeldOut;
    } else if (words[3] != "train") {
      return malformed(fmt::format("split: expected train or held-out, found '{}'", words[3]));
    }
    entry.licence = words[4];
    if (!names.insert(entry.name).second) return malformed(fmt::format("{} is named twice", entry.name));
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return fail(ErrorCode::kMalformed, "expected packages, found none");
  return entries;
}

Result<std::vector<ManifestEntry>> read_manifest(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) return fail(ErrorCode::kNotFound, fmt::format("{}: no such file, or it cannot be read", path.string()));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Result<std::vector<ManifestEntry>> entries = parse_manifest(text);
  if (!entries) return fail(entries.error().code, fmt::format("{}: {}", path.string(), entries.error().message));
  return entries;
}

}  // namespace octet::bytemodel::training

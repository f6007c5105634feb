#include "bytemodel/training/corpus/manifest.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace octet::bytemodel::training {
namespace {

constexpr std::size_t kMaxWordBytes = 214;  // npm's limit; Debian's names are shorter
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool is_digit(char c) { return kDigits.find(c) != std::string_view::npos; }
bool is_letter(char c) { return kLetters.find(c) != std::string_view::npos; }

/// A letter or digit, then letters, digits and `others`.
bool is_word(std::string_view word, std::string_view others) {
  return !word.empty() && word.size() <= kMaxWordBytes && (is_letter(word.front()) || is_digit(word.front())) &&
         std::all_of(word.begin(), word.end(),
                     [others](char c) { return is_letter(c) || is_digit(c) || others.find(c) != std::string_view::npos; });
}

// Names and versions become arguments and file names: what a client would take for a path, an address or an option is refused.
bool is_package_name(PackageSource source, std::string_view name) {
  if (source != PackageSource::kNpm) return is_word(name, "+-.");
  const std::size_t slash = name.starts_with('@') ? name.find('/') : std::string_view::npos;
  if (slash == std::string_view::npos) return is_word(name, "-._~");
  return is_word(name.substr(1, slash - 1), "-._~") && is_word(name.substr(slash + 1), "-._~");
}

bool is_version(PackageSource source, std::string_view version) {
  return is_word(version, source == PackageSource::kNpm ? "-.+" : "-.+~:") && is_digit(version.front());
}

}  // namespace

const char* name(Split split) { return split == Split::kTrain ? "train" : "held-out"; }

const char* name(PackageSource source) {
  switch (source) {
    case PackageSource::kDebianSource: return "deb-src";
    case PackageSource::kDebianBinary: return "deb";
    case PackageSource::kNpm: return "npm";
  }
  return "";
}

std::string licence_word(const std::string& licence) {
  std::istringstream words(licence);
  std::string out;
  for (std::string word; words >> word;) out += (out.empty() ? "" : "_") + word;
  return out;
}

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
    if (!is_package_name(entry.source, words[1])) return malformed(fmt::format("expected a package's name, found '{}'", words[1]));
    if (!is_version(entry.source, words[2])) return malformed(fmt::format("expected an exact version, found '{}'", words[2]));
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
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path.string()));
  std::ifstream in(path);
  if (!in || std::filesystem::is_directory(path, error)) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: expected a manifest, found a file or folder that cannot be read", path.string()));
  }
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  Result<std::vector<ManifestEntry>> entries = parse_manifest(text);
  if (!entries) return fail(entries.error().code, fmt::format("{}: {}", path.string(), entries.error().message));
  return entries;
}

}  // namespace octet::bytemodel::training

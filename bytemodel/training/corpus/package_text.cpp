#include "bytemodel/training/corpus/package_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "bytemodel/training/corpus/licence.h"
#include "bytemodel/training/corpus/packed_corpus.h"
#include "bytemodel/training/corpus/source_filter.h"

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot read: {}", path.string(), std::strerror(errno)));
  return text;
}

/// The file that says what the licences are. A link counts where it leads to a file of the same package.
Result<std::string> read_statement(const fs::path& root, const fs::path& path) {
  std::error_code error;
  const fs::path base = fs::canonical(root, error);
  const fs::path real = fs::canonical(root / path, error);
  const bool is_inside = std::mismatch(base.begin(), base.end(), real.begin(), real.end()).first == base.end();
  if (error || !is_inside || !fs::is_regular_file(real, error)) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: expected a file of the package, found none", path.string()));
  }
  return read_file(real);
}

Result<LicenceMap> read_licences(const ManifestEntry& entry, const fs::path& root) {
  const bool is_npm = entry.source == PackageSource::kNpm;
  const fs::path path = is_npm                                         ? fs::path("package.json")
                        : entry.source == PackageSource::kDebianSource ? fs::path("debian/copyright")
                                                                       : fs::path("usr/share/doc") / entry.name / "copyright";
  const Result<std::string> statement = read_statement(root, path);
  if (!statement) return tl::unexpected(statement.error());
  return is_npm ? LicenceMap::parse_npm(*statement) : LicenceMap::parse_debian(*statement);
}

/// Regular files below `root`, relative and sorted.
Result<std::vector<std::string>> list_files(const fs::path& root) {
  std::vector<std::string> paths;
  std::error_code error;
  fs::recursive_directory_iterator entry(root, error);
  while (!error && entry != fs::recursive_directory_iterator()) {
    if (entry->symlink_status(error).type() == fs::file_type::regular) paths.push_back(entry->path().lexically_relative(root).string());
    if (!error) entry.increment(error);
  }
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("the unpacked files cannot be listed: {}", error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// The reasons of the most bytes first.
std::string describe(const std::map<std::string, Amount>& dropped) {
  std::vector<std::pair<std::string, Amount>> reasons(dropped.begin(), dropped.end());
  std::stable_sort(reasons.begin(), reasons.end(), [](const auto& a, const auto& b) { return a.second.n_bytes > b.second.n_bytes; });
  std::string out;
  for (const auto& [why, amount] : reasons) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", amount.n_documents, why);
  return out.empty() ? "none in the seven languages" : out;
}

}  // namespace

Result<PackageText> read_package(const ManifestEntry& entry, const fs::path& root) {
  const Result<LicenceMap> licences = read_licences(entry, root);
  if (!licences) return tl::unexpected(licences.error());
  const Result<std::vector<std::string>> paths = list_files(root);
  if (!paths) return tl::unexpected(paths.error());
  // A copy of a C++ library in a C package's vendored folder says nothing of the package's headers.
  const bool has_cpp =
      std::any_of(paths->begin(), paths->end(), [](const std::string& path) { return is_cpp_only(path) && refused_path(path) == nullptr; });

  PackageText out;
  std::map<std::string, std::uint64_t> bytes_by_licence;
  for (const std::string& path : *paths) {
    const std::optional<std::string_view> language = language_of(path, has_cpp);
    if (!language) continue;
    std::error_code error;
    const std::uint64_t size = fs::file_size(root / path, error);
    if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot read: {}", path, error.message()));
    if (const char* why = refused_path(path)) {
      out.dropped[why].add(size);
      continue;
    }
    if (size > kMaxDocumentBytes) {  // not worth reading; refused_text has the limit itself
      out.dropped["longer than 120 KB"].add(size);
      continue;
    }
    const std::string licence =
        entry.source == PackageSource::kDebianBinary ? licences->licence_of_moved(path) : licences->licence_of(path);
    if (!is_permissive(licence)) {
      out.dropped["licence not permissive"].add(size);
      continue;
    }
    Result<std::string> text = read_file(root / path);
    if (!text) return tl::unexpected(text.error());
    *text = normalise_line_ends(std::move(*text));
    if (const char* why = refused_text(*text)) {
      out.dropped[why].add(size);
      continue;
    }
    bytes_by_licence[licence] += text->size();
    out.documents.push_back({path, *language, std::move(*text)});
  }
  if (out.documents.empty()) {
    return fail(ErrorCode::kUnsupported, fmt::format("no file was kept; left out: {}", describe(out.dropped)));
  }
  out.licence = std::max_element(bytes_by_licence.begin(), bytes_by_licence.end(), [](const auto& a, const auto& b) {
                  return a.second < b.second;
                })->first;
  if (entry.licence != "any" && licence_word(out.licence) != entry.licence) {
    return fail(ErrorCode::kUnsupported, fmt::format("licence: the manifest says {}, found {}", entry.licence, licence_word(out.licence)));
  }
  return out;
}

}  // namespace octet::bytemodel::training

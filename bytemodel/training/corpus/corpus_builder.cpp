#include "bytemodel/training/corpus/corpus_builder.h"

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <unordered_set>

#include <fmt/format.h>

#include "bytemodel/training/corpus/duplicates.h"
#include "bytemodel/training/corpus/licence.h"
#include "bytemodel/training/corpus/packed_corpus.h"
#include "bytemodel/training/corpus/source_filter.h"

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;

struct Document {
  std::string path;  // inside the package
  std::string_view language;
  std::string licence;
  std::string text;
};

/// What one package gives before it meets the others.
struct PackageText {
  std::vector<Document> documents;  // sorted by path
  std::map<std::string, Amount> dropped;
  std::string problem;
};

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

Result<LicenceMap> read_licences(const ManifestEntry& entry, const fs::path& root) {
  switch (entry.source) {
    case PackageSource::kDebianSource: return LicenceMap::parse_debian(read_file(root / "debian" / "copyright"));
    case PackageSource::kDebianBinary: return LicenceMap::parse_debian(read_file(root / "usr/share/doc" / entry.name / "copyright"));
    case PackageSource::kNpm: break;
  }
  return LicenceMap::parse_npm(read_file(root / "package.json"));
}

/// Regular files below `root`, relative and sorted. Links are not followed.
std::vector<std::string> list_files(const fs::path& root) {
  std::vector<std::string> paths;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(root, error); !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    if (entry->is_regular_file(error) && !entry->is_symlink(error)) paths.push_back(entry->path().lexically_relative(root).string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

/// Where a binary package puts its files the copyright file speaks of the source's paths: only a pattern for all is sure.
std::string licence_of(const LicenceMap& licences, const ManifestEntry& entry, const std::string& path) {
  return licences.licence_of(entry.source == PackageSource::kDebianBinary ? fs::path(path).filename().string() : path);
}

PackageText read_package(const ManifestEntry& entry, const fs::path& root) {
  PackageText out;
  const Result<LicenceMap> licences = read_licences(entry, root);
  if (!licences) {
    out.problem = licences.error().message;
    return out;
  }
  const std::vector<std::string> paths = list_files(root);
  const bool has_cpp = std::any_of(paths.begin(), paths.end(), is_cpp_only);
  for (const std::string& path : paths) {
    const std::optional<std::string_view> language = language_of(path, has_cpp);
    if (!language) continue;
    std::error_code error;
    const std::uint64_t size = fs::file_size(root / path, error);
    if (const char* why = refused_path(path)) {
      out.dropped[why].add(size);
      continue;
    }
    if (size > kMaxDocumentBytes || path.size() > kMaxPathBytes / 2) {
      out.dropped["longer than 120 KB"].add(size);
      continue;
    }
    std::string licence = licence_of(*licences, entry, path);
    if (!is_permissive(licence)) {
      out.dropped["licence not permissive"].add(size);
      continue;
    }
    std::string text = normalise_line_ends(read_file(root / path));
    if (const char* why = refused_text(text)) {
      out.dropped[why].add(size);
      continue;
    }
    out.documents.push_back({path, *language, std::move(licence), std::move(text)});
  }
  return out;
}

/// Unpacks into a temporary folder, which is gone when the text is in memory.
PackageText fetch_package(const ManifestEntry& entry, const fs::path& scratch, PackageProvider& packages) {
  std::string label = entry.name;
  std::replace(label.begin(), label.end(), '/', '+');
  const fs::path root = scratch / label;
  std::error_code error;
  fs::remove_all(root, error);
  fs::create_directories(root, error);
  const Result<void> unpacked = packages.unpack(entry, root);
  PackageText out = unpacked ? read_package(entry, root) : PackageText{{}, {}, unpacked.error().message};
  fs::remove_all(root, error);
  return out;
}

/// The packs of both splits, opened when their first document comes.
class Packs {
 public:
  explicit Packs(fs::path output) : output_(std::move(output)) {}

  Result<void> add(Split split, const std::string& language, const std::string& path, const std::string& text) {
    auto found = writers_.find({split, language});
    if (found == writers_.end()) {
      std::error_code error;
      fs::create_directories(output_ / name(split), error);
      Result<PackWriter> writer = PackWriter::create(output_ / name(split) / (language + ".pack"));
      if (!writer) return tl::unexpected(writer.error());
      found = writers_.emplace(std::pair(split, language), std::move(*writer)).first;
    }
    return found->second.add(path, text);
  }

  Result<void> finish() {
    for (auto& [key, writer] : writers_) {
      if (const Result<void> done = writer.finish(); !done) return done;
    }
    return {};
  }

 private:
  fs::path output_;
  std::map<std::pair<Split, std::string>, PackWriter> writers_;
};

/// Takes packages in order and keeps what is new.
class Collector {
 public:
  Collector(CorpusReport& report, fs::path output) : report_(report), packs_(std::move(output)) {}

  Result<void> take(PackageReport& package, const PackageText& text) {
    const Split split = package.entry.split;
    std::map<std::string, std::uint64_t> licences;
    for (const Document& document : text.documents) {
      const std::uint64_t size = document.text.size();
      if (!contents_.insert(content_hash(document.text)).second) {
        report_.dropped["the same as another file"].add(size);
        continue;
      }
      const MinHash hash = min_hash(document.text);
      if (split == Split::kHeldOut) {
        held_out_.add(hash);
      } else if (held_out_.contains(hash)) {
        report_.dropped["nearly the same as held-out text"].add(size);
        continue;
      }
      const std::string language(document.language);
      if (const Result<void> added = packs_.add(split, language, package.entry.name + "/" + document.path, document.text); !added)
        return added;
      (split == Split::kTrain ? report_.train : report_.held_out)[language].add(size);
      package.kept.add(size);
      licences[document.licence] += size;
    }
    for (const auto& [why, amount] : text.dropped) {
      report_.dropped[why].n_documents += amount.n_documents;
      report_.dropped[why].n_bytes += amount.n_bytes;
    }
    const auto most = std::max_element(licences.begin(), licences.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    package.licence = most == licences.end() ? "" : most->first;
    return {};
  }

  Result<void> finish() { return packs_.finish(); }

 private:
  CorpusReport& report_;
  Packs packs_;
  std::unordered_set<std::uint64_t> contents_;
  NearDuplicates held_out_;
};

/// What stands in the manifest has no spaces.
std::string as_word(std::string licence) {
  std::replace(licence.begin(), licence.end(), ' ', '_');
  return licence;
}

}  // namespace

Result<CorpusReport> build_corpus(const CorpusOptions& options, PackageProvider& packages) {
  CorpusReport report;
  for (const ManifestEntry& entry : options.manifest) report.packages.push_back({entry, "", "", {}});
  std::vector<PackageReport*> order;
  for (PackageReport& package : report.packages) order.push_back(&package);
  std::stable_partition(order.begin(), order.end(), [](const PackageReport* p) { return p->entry.split == Split::kHeldOut; });

  const fs::path scratch = options.output / "unpacked";
  const auto fetch = [&packages, scratch](const ManifestEntry& entry) {
    return std::async(std::launch::async, [&packages, &entry, scratch] { return fetch_package(entry, scratch, packages); });
  };
  Collector collector(report, options.output);
  std::future<PackageText> next = fetch(order.front()->entry);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const PackageText text = next.get();
    if (i + 1 < order.size()) next = fetch(order[i + 1]->entry);  // while this one is collected
    PackageReport& package = *order[i];
    package.problem = text.problem;
    const Result<void> taken = collector.take(package, text);
    if (!taken) return tl::unexpected(taken.error());
    const std::string& expected = package.entry.licence;
    if (package.problem.empty() && package.kept.n_bytes > 0 && expected != "any" && as_word(package.licence) != expected) {
      return fail(ErrorCode::kUnreadable,
                  fmt::format("{}: licence: the manifest says {}, found {}", package.entry.name, expected, as_word(package.licence)));
    }
    if (!package.problem.empty() && !options.keep_going) {
      return fail(ErrorCode::kUnreadable, fmt::format("{} {}: {}", package.entry.name, package.entry.version, package.problem));
    }
    options.say(fmt::format("{}/{} {} {}: {} files, {:.2f} MB{}", i + 1, order.size(), package.entry.name, package.entry.version,
                            package.kept.n_documents, static_cast<double>(package.kept.n_bytes) / 1e6,
                            package.problem.empty() ? "" : " | " + package.problem));
  }
  std::error_code error;
  fs::remove_all(scratch, error);
  if (const Result<void> finished = collector.finish(); !finished) return tl::unexpected(finished.error());
  std::ofstream json(options.output / "report.json");
  json << to_json(report) << '\n';
  std::ofstream markdown(options.output / "report.md");
  markdown << to_markdown(report);
  if (!json.flush() || !markdown.flush())
    return fail(ErrorCode::kUnreadable, fmt::format("{}: the report cannot be written", options.output.string()));
  return report;
}

}  // namespace octet::bytemodel::training

#include "bytemodel/training/corpus/corpus_builder.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <unordered_set>

#include <fmt/format.h>

#include "bytemodel/check.h"
#include "bytemodel/training/corpus/duplicates.h"
#include "bytemodel/training/corpus/packed_corpus.h"

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot make this folder: {}", folder.string(), error.message()));
  return {};
}

Result<void> write_file(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text).flush()) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  return {};
}

/// Where packages are unpacked; gone at the end, whatever it is.
class UnpackFolder {
 public:
  explicit UnpackFolder(fs::path path) : path_(std::move(path)) {}
  UnpackFolder(const UnpackFolder&) = delete;
  UnpackFolder& operator=(const UnpackFolder&) = delete;
  ~UnpackFolder() { remove(); }

  /// One package at a time.
  Result<PackageText> fetch(const ManifestEntry& entry, PackageProvider& packages) const {
    remove();  // also what an interrupted run left
    const fs::path root = path_ / "package";
    if (const Result<void> made = make_folder(root); !made) return tl::unexpected(made.error());
    if (const Result<void> unpacked = packages.unpack(entry, root); !unpacked) return tl::unexpected(unpacked.error());
    Result<PackageText> text = read_package(entry, root);
    remove();
    return text;
  }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  fs::path path_;
};

/// The packs of both splits, opened when their first document comes.
class Packs {
 public:
  explicit Packs(fs::path output) : output_(std::move(output)) {}

  Result<void> add(Split split, const std::string& language, const std::string& path, const std::string& text) {
    const fs::path file = output_ / name(split) / (language + ".pack");
    auto found = writers_.find(file);
    if (found == writers_.end()) {
      Result<PackWriter> writer = PackWriter::create(file);
      if (!writer) return tl::unexpected(writer.error());
      found = writers_.emplace(file, std::move(*writer)).first;
    }
    return found->second.add(path, text);
  }

  /// Afterwards these packs are all that the folders hold: an older manifest's other languages are no part of this corpus.
  Result<void> finish() {
    for (auto& [file, writer] : writers_) {
      if (Result<void> done = writer.finish(); !done) return done;
    }
    for (const Split split : {Split::kTrain, Split::kHeldOut}) {
      std::vector<fs::path> old;
      std::error_code error;
      fs::directory_iterator entry(output_ / name(split), error);
      for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
        const fs::path ending = entry->path().extension();
        if ((ending == ".pack" || ending == ".part") && !writers_.contains(entry->path())) old.push_back(entry->path());
      }
      for (std::size_t i = 0; !error && i < old.size(); ++i) fs::remove(old[i], error);
      if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: old packs stay there: {}", output_.string(), error.message()));
    }
    return {};
  }

 private:
  fs::path output_;
  std::map<fs::path, PackWriter> writers_;
};

/// Takes packages in order and keeps what is new.
class Collector {
 public:
  Collector(CorpusReport& report, fs::path output) : report_(report), packs_(std::move(output)) {}

  Result<void> take(PackageReport& package, const PackageText& text) {
    const Split split = package.entry.split;
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
      Result<void> added = packs_.add(split, language, package.entry.name + "/" + document.path, document.text);
      if (!added) return added;
      (split == Split::kTrain ? report_.train : report_.held_out)[language].add(size);
      package.kept.add(size);
    }
    for (const auto& [why, amount] : text.dropped) report_.dropped[why] += amount;
    package.licence = text.licence;
    return {};
  }

  Result<void> finish() { return packs_.finish(); }

 private:
  CorpusReport& report_;
  Packs packs_;
  std::unordered_set<std::uint64_t> contents_;
  NearDuplicates held_out_;
};

}  // namespace

Result<CorpusReport> build_corpus(const CorpusOptions& options, PackageProvider& packages) {
  OCTET_CHECK(!options.manifest.empty());
  CorpusReport report;
  for (const ManifestEntry& entry : options.manifest) report.packages.push_back({entry, "", "", {}});
  std::vector<PackageReport*> order;
  for (PackageReport& package : report.packages) order.push_back(&package);
  std::stable_partition(order.begin(), order.end(), [](const PackageReport* p) { return p->entry.split == Split::kHeldOut; });

  for (const Split split : {Split::kTrain, Split::kHeldOut}) {
    if (const Result<void> made = make_folder(options.output / name(split)); !made) return tl::unexpected(made.error());
  }
  const UnpackFolder scratch(options.output / "unpacked");
  const auto fetch = [&packages, &scratch](const ManifestEntry& entry) {
    return std::async(std::launch::async, [&packages, &scratch, &entry] { return scratch.fetch(entry, packages); });
  };
  Collector collector(report, options.output);
  std::future<Result<PackageText>> next = fetch(order.front()->entry);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Result<PackageText> text = next.get();
    PackageReport& package = *order[i];
    const std::string label = fmt::format("{} {}", package.entry.name, package.entry.version);
    if (!text && !options.keep_going) return fail(text.error().code, fmt::format("{}: {}", label, text.error().message));
    if (i + 1 < order.size()) next = fetch(order[i + 1]->entry);  // while this one is collected
    if (!text) {
      package.problem = text.error().message;
    } else if (const Result<void> taken = collector.take(package, *text); !taken) {
      return tl::unexpected(taken.error());
    }
    options.say(fmt::format("{}/{} {}: {} files, {:.2f} MB{}{}", i + 1, order.size(), label, package.kept.n_documents,
                            static_cast<double>(package.kept.n_bytes) / 1e6, package.problem.empty() ? "" : " | ", package.problem));
  }
  if (const Result<void> finished = collector.finish(); !finished) return tl::unexpected(finished.error());
  if (const Result<void> written = write_file(options.output / "report.json", to_json(report) + '\n'); !written)
    return tl::unexpected(written.error());
  if (const Result<void> written = write_file(options.output / "report.md", to_markdown(report)); !written)
    return tl::unexpected(written.error());
  return report;
}

}  // namespace octet::bytemodel::training

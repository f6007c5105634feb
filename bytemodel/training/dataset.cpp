#include "bytemodel/training/dataset.h"

#include <algorithm>

#include <fmt/format.h>

#include "bytemodel/training/fim_transform.h"
#include "bytemodel/training/random.h"

namespace octet::bytemodel::training {

Result<Dataset> Dataset::open(const std::filesystem::path& directory, DatasetOptions options) {
  if (options.context < kMinSampleBytes) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("context: expected at least {} bytes, found {}", kMinSampleBytes, options.context));
  }
  std::error_code error;
  std::vector<std::filesystem::path> paths;
  for (auto entry = std::filesystem::directory_iterator(directory, error); !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    if (entry->path().extension() == ".pack") paths.push_back(entry->path());
  }
  if (paths.empty()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("{}: expected a folder with packs (LANGUAGE.pack), found {}; `octet-train corpus` makes them",
                            directory.string(), error ? error.message() : "none"));
  }
  std::sort(paths.begin(), paths.end());

  Dataset dataset(directory, options);
  for (const std::filesystem::path& path : paths) {
    Result<PackedCorpus> pack = PackedCorpus::open(path);
    if (!pack) return tl::unexpected(pack.error());
    if (pack->n_text_bytes() == 0) continue;
    std::vector<std::uint64_t>& ends = dataset.ends_.emplace_back();
    for (const PackedDocument& document : pack->documents()) ends.push_back((ends.empty() ? 0 : ends.back()) + document.n_bytes);
    dataset.languages_.push_back(path.stem().string());
    dataset.packs_.push_back(std::move(*pack));
  }
  if (dataset.packs_.empty()) return fail(ErrorCode::kNotFound, fmt::format("{}: expected text, found empty packs", directory.string()));
  return dataset;
}

std::uint64_t Dataset::n_text_bytes() const {
  std::uint64_t n = 0;
  for (const PackedCorpus& pack : packs_) n += pack.n_text_bytes();
  return n;
}

std::string Dataset::fingerprint() const {
  std::string out;
  for (std::size_t i = 0; i < packs_.size(); ++i) {
    out += fmt::format("{}:{}:{};", languages_[i], packs_[i].documents().size(), packs_[i].n_text_bytes());
  }
  return out;
}

Result<std::string> Dataset::sequence(std::uint64_t index) const { return fill(index, 0, packs_.size()); }

Result<std::string> Dataset::sequence(std::uint64_t index, std::size_t language_idx) const {
  return fill(index, language_idx, language_idx + 1);
}

Result<std::string> Dataset::fill(std::uint64_t index, std::size_t first_language, std::size_t end_language) const {
  Random random(options_.seed, index);
  std::uint64_t n_bytes = 0;
  for (std::size_t i = first_language; i < end_language; ++i) n_bytes += packs_[i].n_text_bytes();
  std::string out;
  while (out.size() < options_.context) {
    std::uint64_t at = random.below(n_bytes);
    std::size_t language = first_language;
    while (at >= packs_[language].n_text_bytes()) at -= packs_[language++].n_text_bytes();
    const std::vector<std::uint64_t>& ends = ends_[language];
    const auto document_idx = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
    const Result<std::string> text = packs_[language].text(document_idx);
    if (!text) return tl::unexpected(text.error());
    const std::string& path = packs_[language].documents()[document_idx].path;
    const SampleLimits limits{std::max(options_.context - out.size(), kMinSampleBytes), options_.max_suffix_bytes};
    out += random.unit() < options_.middle_share ? middle_sample(path, *text, limits, random) : plain_sample(path, *text, limits, random);
  }
  out.resize(options_.context);
  return out;
}

}  // namespace octet::bytemodel::training

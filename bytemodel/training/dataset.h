// Sequences of equal length from the packs of a corpus. Sequence i depends on the seed and i alone, so that workers,
// processes and resumed runs draw what one uninterrupted run would have drawn.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/corpus/packed_corpus.h"

namespace octet::bytemodel::training {

struct DatasetOptions {
  std::size_t context = 1024;          // bytes in a sequence
  double middle_share = 0.6;           // samples that fill in a middle; 0 for plain text
  std::size_t max_suffix_bytes = 400;  // a quarter of the prompt is what the engine shows
  std::uint64_t seed = 1;
};

/// The packs of one split. Reading is safe from many threads.
class Dataset {
 public:
  /// Opens every LANGUAGE.pack in `directory`, sorted by name. Fails as PackedCorpus::open does, with kNotFound where there
  /// is none, and with kInvalidArgument for a context that no sample fits in.
  static Result<Dataset> open(const std::filesystem::path& directory, DatasetOptions options);

  const std::vector<std::string>& languages() const { return languages_; }
  std::uint64_t n_text_bytes() const;
  std::uint64_t n_text_bytes(std::size_t language_idx) const { return packs_[language_idx].n_text_bytes(); }
  const PackedCorpus& pack(std::size_t language_idx) const { return packs_[language_idx]; }
  const DatasetOptions& options() const { return options_; }
  const std::filesystem::path& directory() const { return directory_; }
  /// Names and sizes of what was opened: a resumed run compares it with its checkpoint's.
  std::string fingerprint() const;

  /// `context` bytes: whole samples one after another, the last one cut. Languages and documents by their share of bytes.
  Result<std::string> sequence(std::uint64_t index) const;
  /// The same from one language.
  Result<std::string> sequence(std::uint64_t index, std::size_t language_idx) const;

 private:
  Dataset(std::filesystem::path directory, DatasetOptions options) : directory_(std::move(directory)), options_(options) {}
  Result<std::string> fill(std::uint64_t index, std::size_t first_language, std::size_t end_language) const;

  std::filesystem::path directory_;
  DatasetOptions options_;
  std::vector<std::string> languages_;
  std::vector<PackedCorpus> packs_;
  std::vector<std::vector<std::uint64_t>> ends_;  // running sum of the documents' bytes, for each pack
};

}  // namespace octet::bytemodel::training

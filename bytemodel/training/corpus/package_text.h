// What one package gives before it meets the others: the texts in the seven languages that pass the filters and whose licence is
// permissive. A function of the unpacked folder alone, so that no package's licence depends on which others are there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/corpus/manifest.h"

namespace octet::bytemodel::training {

struct Amount {
  std::uint64_t n_documents = 0;
  std::uint64_t n_bytes = 0;

  void add(std::uint64_t bytes) { *this += {1, bytes}; }
  Amount& operator+=(const Amount& other) {
    n_documents += other.n_documents;
    n_bytes += other.n_bytes;
    return *this;
  }
};

struct Document {
  std::string path;  // inside the package
  std::string_view language;
  std::string text;
};

struct PackageText {
  std::vector<Document> documents;        // sorted by path
  std::map<std::string, Amount> dropped;  // by reason
  std::string licence;                    // of most of the text
};

/// Reads the package that was unpacked into `root`; links are not followed. Fails with kUnreadable where a file or folder cannot be
/// read, as LicenceMap does, and with kUnsupported where no file is left or the licence is not the manifest's.
Result<PackageText> read_package(const ManifestEntry& entry, const std::filesystem::path& root);

}  // namespace octet::bytemodel::training

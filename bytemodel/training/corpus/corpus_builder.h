// From a manifest to the packs of a corpus. Held-out packages are read first, whatever their place in the manifest: training
// documents that are near to one of theirs are left out. The same manifest and packages give the same bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/corpus/manifest.h"
#include "bytemodel/training/corpus/package_client.h"

namespace octet::bytemodel::training {

struct Amount {
  std::uint64_t n_documents = 0;
  std::uint64_t n_bytes = 0;

  void add(std::uint64_t bytes) {
    ++n_documents;
    n_bytes += bytes;
  }
};

struct PackageReport {
  ManifestEntry entry;
  std::string problem;  // why nothing of it is in the corpus; empty where all is well
  std::string licence;  // of most of the bytes that were kept
  Amount kept;
};

struct CorpusReport {
  std::map<std::string, Amount> train;     // by language
  std::map<std::string, Amount> held_out;  // by language
  std::map<std::string, Amount> dropped;   // by reason
  std::vector<PackageReport> packages;     // in the manifest's order
};

struct CorpusOptions {
  std::vector<ManifestEntry> manifest;
  std::filesystem::path output;  // gets train/LANGUAGE.pack, held-out/LANGUAGE.pack, report.json and report.md
  bool keep_going = false;       // a package that cannot be had is reported, and the rest is made
  std::function<void(const std::string&)> say;
};

/// Fails with kUnreadable when a package cannot be had (unless keep_going), when its licence is not the manifest's, or the
/// output cannot be written.
Result<CorpusReport> build_corpus(const CorpusOptions& options, PackageProvider& packages);

std::string to_json(const CorpusReport& report);
std::string to_markdown(const CorpusReport& report);

}  // namespace octet::bytemodel::training

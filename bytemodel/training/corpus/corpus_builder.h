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
#include "bytemodel/training/corpus/package_text.h"

namespace octet::bytemodel::training {

struct PackageReport {
  ManifestEntry entry;
  std::string problem;  // why nothing of it is in the corpus; empty where all is well
  std::string licence;  // of most of its text
  Amount kept;          // what is in the corpus: not what another package had already
};

struct CorpusReport {
  std::map<std::string, Amount> train;     // by language
  std::map<std::string, Amount> held_out;  // by language
  std::map<std::string, Amount> dropped;   // by reason
  std::vector<PackageReport> packages;     // in the manifest's order
};

struct CorpusOptions {
  std::vector<ManifestEntry> manifest;  // not empty
  std::filesystem::path output;         // gets train/LANGUAGE.pack, held-out/LANGUAGE.pack, report.json and report.md
  bool keep_going = false;              // a package with a problem is reported, and the rest is made
  std::function<void(const std::string&)> say;
};

/// Fails as `packages` and read_package do (unless keep_going), and with kUnreadable where the output cannot be written. Packs that
/// were there stay until all is read; then they go, those of other languages as well.
Result<CorpusReport> build_corpus(const CorpusOptions& options, PackageProvider& packages);

std::string to_json(const CorpusReport& report);
std::string to_markdown(const CorpusReport& report);

}  // namespace octet::bytemodel::training

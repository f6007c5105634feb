// Which packages a corpus is made of. One package a line, '#' begins a comment:
//
//   SOURCE NAME VERSION SPLIT LICENCE
//
// SOURCE: deb-src (a Debian source package), deb (a binary package that ships source), npm. SPLIT: train or held-out.
// LICENCE: the licence of most of the text that the package gives, its spaces as underscores, checked against what is found; or
// "any". A version is exact: neither a range nor a tag, which would mean other bytes tomorrow.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

enum class PackageSource { kDebianSource, kDebianBinary, kNpm };
enum class Split { kTrain, kHeldOut };

struct ManifestEntry {
  PackageSource source = PackageSource::kDebianSource;
  std::string name;
  std::string version;
  Split split = Split::kTrain;
  std::string licence;

  bool operator==(const ManifestEntry&) const = default;
};

/// "train" and "held-out": also the names of the corpus's folders.
const char* name(Split split);
/// "deb-src", "deb" or "npm".
const char* name(PackageSource source);
/// A licence as it stands in a manifest, with underscores for spaces.
std::string licence_word(const std::string& licence);

/// Fails with kMalformed and the line's number: a wrong word, a missing field, a package that is named twice.
Result<std::vector<ManifestEntry>> parse_manifest(const std::string& text);
/// Fails with kNotFound or kUnreadable, or as parse_manifest does with the file's name in front.
Result<std::vector<ManifestEntry>> read_manifest(const std::filesystem::path& path);

}  // namespace octet::bytemodel::training

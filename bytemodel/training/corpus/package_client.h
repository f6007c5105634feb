// Packages by the ordinary clients of Debian and npm: downloaded once into a cache, unpacked into a folder of the caller's.
// Nothing of a package is run. No registry is named here: the clients know the system's.
#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/training/corpus/manifest.h"

namespace octet::bytemodel::training {

/// Where packages come from; a test has one of its own. Calls may come from several threads.
class PackageProvider {
 public:
  virtual ~PackageProvider() = default;
  /// Unpacks the package into `folder`, which is empty. Fails with kUnreadable and the last lines of what the client said.
  virtual Result<void> unpack(const ManifestEntry& entry, const std::filesystem::path& folder) = 0;
};

/// apt-get, dpkg-source, dpkg-deb, npm and tar. Debian's clients verify what they download by the archive's signatures.
class PackageClient : public PackageProvider {
 public:
  explicit PackageClient(std::filesystem::path cache) : cache_(std::move(cache)) {}

  Result<void> unpack(const ManifestEntry& entry, const std::filesystem::path& folder) override;

 private:
  Result<std::filesystem::path> download(const ManifestEntry& entry);
  Result<void> prepare_apt();
  std::vector<std::string> apt_get() const;

  std::filesystem::path cache_;
  std::mutex apt_;  // its lists and its cache have one user at a time
  bool apt_is_ready_ = false;
};

/// Runs a program without a shell, its working directory `folder`; fails with kUnreadable and the end of its output when it
/// cannot be started or does not exit with 0.
Result<void> run_program(const std::vector<std::string>& arguments, const std::filesystem::path& folder);

}  // namespace octet::bytemodel::training

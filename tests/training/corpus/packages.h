// What the tests of the corpus share: packages that are laid out instead of downloaded, text that looks like code, and limits of
// the system that hold for a scope.
#pragma once

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <sys/resource.h>

#include "bytemodel/training/corpus/manifest.h"
#include "bytemodel/training/corpus/package_client.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {

using Files = std::map<std::string, std::string>;  // path -> text

inline void lay_out(const std::filesystem::path& folder, const Files& files) {
  for (const auto& [path, text] : files) {
    std::filesystem::create_directories((folder / path).parent_path());
    write_file(folder / path, text);
  }
}

/// Lines that pass the filters; other seeds give other lines.
inline std::string code(std::uint64_t seed, int n_lines = 12) {
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  const auto word = [&state] {
    std::string out;
    for (int i = 0; i < 6; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      out += static_cast<char>('a' + (state >> 40) % 26);
    }
    return out;
  };
  std::string text;
  for (int i = 0; i < n_lines; ++i) text += word() + " = " + word() + "(" + word() + ");\n";
  return text;
}

inline std::string package_json(const std::string& licence) { return fmt::format(R"({{"license": "{}"}})", licence); }

inline std::string copyright(const std::vector<std::pair<std::string, std::string>>& licence_of_patterns) {
  std::string text = "Format: copyright-format/1.0\n";
  for (const auto& [patterns, licence] : licence_of_patterns) text += "\nFiles: " + patterns + "\nCopyright: X\nLicense: " + licence + "\n";
  return text;
}

inline bytemodel::training::ManifestEntry npm(const std::string& name, bytemodel::training::Split split,
                                              const std::string& licence = "any") {
  return {bytemodel::training::PackageSource::kNpm, name, "1.0.0", split, licence};
}

/// Lays out packages of its own. A package that it does not know fails after a part of it is there.
class FakePackages : public bytemodel::training::PackageProvider {
 public:
  std::map<std::string, Files> packages;
  std::vector<std::string> asked;  // in order

  octet::Result<void> unpack(const bytemodel::training::ManifestEntry& entry, const std::filesystem::path& folder) override {
    asked.push_back(entry.name);
    const auto found = packages.find(entry.name);
    if (found == packages.end()) {
      lay_out(folder, {{"package.json", package_json("MIT")}, {"part.js", code(999)}});
      return fail(ErrorCode::kUnreadable, "client failed: connection reset");
    }
    lay_out(folder, found->second);
    return {};
  }
};

/// Lowers a limit of the system until the end of the scope.
class LimitGuard {
 public:
  LimitGuard(__rlimit_resource which, rlim_t limit) : which_(which) {
    ::getrlimit(which_, &old_);
    const rlimit lower{limit, old_.rlim_max};
    ::setrlimit(which_, &lower);
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);  // an error instead of a signal, as a full disk gives
  }
  LimitGuard(const LimitGuard&) = delete;
  LimitGuard& operator=(const LimitGuard&) = delete;
  ~LimitGuard() {
    ::setrlimit(which_, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  __rlimit_resource which_;
  rlimit old_{};
  void (*old_handler_)(int) = SIG_DFL;
};

}  // namespace octet::tests

#include "bytemodel/training/corpus/package_client.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

namespace octet::bytemodel::training {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReportedBytes = 400;  // of a client's output

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", folder.string(), error.message()));
  return {};
}

/// The first file of a folder whose name ends so; empty where there is none.
fs::path find_ending(const fs::path& folder, const std::string& ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().string().ends_with(ending)) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found.empty() ? fs::path() : found.front();
}

/// The system's package sources with source packages added, one-line and deb822 style.
std::string with_sources(const std::string& text, bool is_deb822) {
  std::istringstream lines(text);
  std::string out;
  std::string line;
  while (std::getline(lines, line)) {
    if (is_deb822 && line.starts_with("Types:")) line = "Types: deb deb-src";
    out += line + '\n';
    if (!is_deb822 && line.starts_with("deb ")) out += "deb-src " + line.substr(4) + '\n';
  }
  return out;
}

Result<void> write_text(const fs::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  if (!(out << text).flush()) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  return {};
}

}  // namespace

Result<void> run_program(const std::vector<std::string>& arguments, const fs::path& folder) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(ErrorCode::kUnreadable, std::strerror(errno));
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return fail(ErrorCode::kUnreadable,
                fmt::format("{} cannot be started in {}: {}", arguments.front(), folder.string(), std::strerror(error)));
  }
  std::string output;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t n = ::read(ends[0], buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    output.append(buffer.data(), static_cast<std::size_t>(n));
    if (output.size() > 4 * kReportedBytes) output.erase(0, output.size() - kReportedBytes);
  }
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (output.size() > kReportedBytes) output.erase(0, output.size() - kReportedBytes);
  while (!output.empty() && std::isspace(static_cast<unsigned char>(output.back())) != 0) output.pop_back();
  const std::string how = WIFEXITED(status) ? fmt::format("exit code {}", WEXITSTATUS(status)) : fmt::format("signal {}", WTERMSIG(status));
  return fail(ErrorCode::kUnreadable, fmt::format("{} failed ({}): {}", arguments.front(), how, output));
}

std::vector<std::string> PackageClient::apt_get() const {
  const fs::path apt = fs::absolute(cache_) / "apt";
  return {"apt-get", "-qq",
          "-o",      "Dir::State=" + (apt / "state").string(),
          "-o",      "Dir::State::status=/dev/null",
          "-o",      "Dir::Cache=" + (apt / "cache").string(),
          "-o",      "Dir::Etc::SourceList=" + (apt / "sources.list").string(),
          "-o",      "Dir::Etc::SourceParts=" + (apt / "sources.list.d").string(),
          "-o",      "APT::Sandbox::User=root",
          "-o",      "Acquire::Languages=none"};
}

Result<void> PackageClient::prepare_apt() {
  if (apt_is_ready_) return {};
  const fs::path apt = fs::absolute(cache_) / "apt";
  for (const char* folder : {"state/lists/partial", "cache/archives/partial", "sources.list.d"}) {
    if (Result<void> made = make_folder(apt / folder); !made) return made;
  }
  const fs::path system = "/etc/apt";
  std::vector<std::pair<fs::path, fs::path>> files{{system / "sources.list", apt / "sources.list"}};
  std::error_code error;
  for (auto entry = fs::directory_iterator(system / "sources.list.d", error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    files.emplace_back(entry->path(), apt / "sources.list.d" / entry->path().filename());
  }
  for (const auto& [from, to] : files) {
    std::ifstream in(from);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (Result<void> written = write_text(to, with_sources(text, from.extension() == ".sources")); !written) return written;
  }
  std::vector<std::string> update = apt_get();
  update.emplace_back("update");
  if (Result<void> updated = run_program(update, apt); !updated) return updated;
  apt_is_ready_ = true;
  return {};
}

Result<fs::path> PackageClient::download(const ManifestEntry& entry) {
  std::string label = fmt::format("{}_{}_{}", name(entry.source), entry.name, entry.version);
  std::replace(label.begin(), label.end(), '/', '+');
  const fs::path folder = fs::absolute(cache_) / label;
  const fs::path done = folder / "complete";
  std::error_code error;
  if (fs::exists(done, error)) return folder;
  fs::remove_all(folder, error);  // what an interrupted download left
  if (const Result<void> made = make_folder(folder); !made) return tl::unexpected(made.error());

  Result<void> fetched;
  if (entry.source == PackageSource::kNpm) {
    fetched = run_program({"npm", "pack", "--silent", "--ignore-scripts", entry.name + "@" + entry.version}, folder);
  } else {
    const std::lock_guard lock(apt_);
    if (const Result<void> ready = prepare_apt(); !ready) return tl::unexpected(ready.error());
    std::vector<std::string> command = apt_get();
    const std::string wanted = entry.name + "=" + entry.version;
    if (entry.source == PackageSource::kDebianSource) {
      command.insert(command.end(), {"source", "--download-only", "--only-source", wanted});
    } else {
      command.insert(command.end(), {"download", wanted});
    }
    fetched = run_program(command, folder);
  }
  if (!fetched) return tl::unexpected(fetched.error());
  if (const Result<void> written = write_text(done, entry.name + '\n'); !written) return tl::unexpected(written.error());
  return folder;
}

Result<void> PackageClient::unpack(const ManifestEntry& entry, const fs::path& folder) {
  const Result<fs::path> downloaded = download(entry);
  if (!downloaded) return tl::unexpected(downloaded.error());
  const char* ending = entry.source == PackageSource::kDebianSource   ? ".dsc"
                       : entry.source == PackageSource::kDebianBinary ? ".deb"
                                                                      : ".tgz";
  const fs::path file = find_ending(*downloaded, ending);
  if (file.empty())
    return fail(ErrorCode::kUnreadable, fmt::format("{}: expected a {} file from the client, found none", entry.name, ending));
  const std::string target = fs::absolute(folder).string();  // the client's working folder is another
  switch (entry.source) {
    case PackageSource::kDebianSource: {
      std::error_code error;
      fs::remove(target, error);  // dpkg-source wants to make it
      return run_program({"dpkg-source", "--no-check", "--no-copy", "--extract", file.string(), target}, *downloaded);
    }
    case PackageSource::kDebianBinary: return run_program({"dpkg-deb", "--extract", file.string(), target}, *downloaded);
    case PackageSource::kNpm:
      return run_program({"tar", "-xzf", file.string(), "--strip-components=1", "--no-same-owner", "-C", target}, *downloaded);
  }
  return {};
}

}  // namespace octet::bytemodel::training

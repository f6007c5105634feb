#include "engine/memory/workspace_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>
#include <git2.h>
#include <git2/sys/repository.h>

#include "engine/memory/file_descriptor.h"
#include "engine/memory/utf8_text.h"

namespace octet::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxEntries = 10 * kMaxWorkspaceFiles;

struct RepositoryFree {
  void operator()(git_repository* repository) const { git_repository_free(repository); }
};
using Repository = std::unique_ptr<git_repository, RepositoryFree>;

/// Once for the process, which ends with it.
void start_libgit2() { [[maybe_unused]] static const int n_started = git_libgit2_init(); }

/// The repository whose files are in `top`; nothing where there is none or the system does not let us read it. Opened as a bare
/// one, it is a place of rules and no more: who owns it and which extensions its objects use is not asked.
Repository open_repository(const fs::path& top) {
  git_buf found = GIT_BUF_INIT;
  git_repository* repository = nullptr;
  if (git_repository_discover(&found, top.c_str(), /*across_fs=*/0, top.parent_path().c_str()) == 0) {
    git_repository_open_bare(&repository, found.ptr);
  }
  git_buf_dispose(&found);
  Repository out(repository);
  return out && git_repository_set_workdir(repository, top.c_str(), /*update_gitlink=*/0) == 0 ? std::move(out) : nullptr;
}

/// A repository without a place of its own, whose rules are the .gitignore files of `top` and the user's.
Repository repository_of_plain_files(const fs::path& top) {
  git_repository* repository = nullptr;
  if (git_repository_new(&repository) != 0) return nullptr;
  Repository out(repository);
  return git_repository_set_workdir(repository, top.c_str(), /*update_gitlink=*/0) == 0 ? std::move(out) : nullptr;
}

/// Opens what is at `path` below `folder` and follows no link on the way; errno says why not.
FileDescriptor open_beneath(int folder, std::string_view path, int flags) {
  FileDescriptor at;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string name(path.substr(begin, end - begin));
    const int how = end == path.size() ? flags : O_PATH | O_DIRECTORY;
    at = FileDescriptor(::openat(at.is_open() ? at.get() : folder, name.c_str(), how | O_NOFOLLOW | O_CLOEXEC));
    if (!at.is_open()) return at;
    begin = end + 1;
  }
  return at;
}

std::string joined(std::string_view folder, std::string_view name) {
  return folder.empty() ? std::string(name) : fmt::format("{}/{}", folder, name);
}

std::int64_t nanoseconds(const timespec& time) {
  const std::int64_t seconds = std::clamp<std::int64_t>(time.tv_sec, -9'000'000'000, 9'000'000'000);  // of any sane clock
  return seconds * 1'000'000'000 + time.tv_nsec;
}

bool holds_private_key(std::string_view text) {
  if (text.find("PuTTY-User-Key-File-") != std::string_view::npos || text.find("AGE-SECRET-KEY-1") != std::string_view::npos) return true;
  for (std::size_t at = text.find("-----BEGIN "); at != std::string_view::npos; at = text.find("-----BEGIN ", at + 1)) {
    const std::string_view rest = text.substr(at, 80);
    if (rest.substr(0, rest.find('\n')).find("PRIVATE KEY") != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

struct WorkspaceFilter::Rules {
  fs::path root;
  Repository outer;           // around the root, or of plain files
  std::string root_in_outer;  // "" where the root is its top
  std::optional<Refusal> root_reason;
  std::map<std::string, Repository, std::less<>> nested;  // by the folder below the root

  /// False where a .gitignore may hold rules that cannot be read; opening a pipe would never end. A folder of that name has none.
  static bool has_readable_rules(const fs::path& folder) {
    struct stat status {};
    if (::stat((folder / ".gitignore").c_str(), &status) != 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES;
    return S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && ::access((folder / ".gitignore").c_str(), R_OK) == 0);
  }

  static bool is_ignored_by(git_repository* repository, std::string path, bool is_folder) {
    if (is_folder) path += '/';
    int ignored = 0;
    return git_ignore_path_is_ignored(&ignored, repository, path.c_str()) != 0 || ignored != 0;
  }

  bool is_ignored(std::string_view path, bool is_folder) {
    if (is_ignored_by(outer.get(), joined(root_in_outer, path), is_folder)) return true;
    if (is_folder && !has_readable_rules(root / path)) return true;
    for (std::size_t slash = path.find('/'); !nested.empty() && slash != std::string_view::npos; slash = path.find('/', slash + 1)) {
      const auto found = nested.find(path.substr(0, slash));
      if (found != nested.end() && is_ignored_by(found->second.get(), std::string(path.substr(slash + 1)), is_folder)) return true;
    }
    if (is_folder) open_nested(path);
    return false;
  }

  /// A repository inside the workspace has rules outside the tree: .git/info/exclude.
  void open_nested(std::string_view folder) {
    std::error_code error;
    if (nested.contains(folder) || !fs::exists(fs::symlink_status(root / folder / ".git", error))) return;
    if (Repository repository = open_repository(root / folder)) nested.emplace(folder, std::move(repository));
  }

  /// Looks at the folders from the outer repository's top down to the root.
  void judge_root() {
    if (lies_in_secret_folder(root.generic_string())) root_reason = Refusal::kSecret;
    fs::path folder = git_repository_workdir(outer.get());
    if (!has_readable_rules(folder)) root_reason = Refusal::kIgnored;
    for (std::size_t end = 0; end < root_in_outer.size() && !root_reason; ++end) {
      end = std::min(root_in_outer.find('/', end), root_in_outer.size());
      const std::string above = root_in_outer.substr(0, end);
      if (is_ignored_by(outer.get(), above, /*is_folder=*/true) || !has_readable_rules(folder / above)) root_reason = Refusal::kIgnored;
    }
  }
};

WorkspaceFilter::WorkspaceFilter(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
WorkspaceFilter::WorkspaceFilter(WorkspaceFilter&&) noexcept = default;
WorkspaceFilter& WorkspaceFilter::operator=(WorkspaceFilter&&) noexcept = default;
WorkspaceFilter::~WorkspaceFilter() = default;

const fs::path& WorkspaceFilter::root() const { return rules_->root; }

Result<WorkspaceFilter> WorkspaceFilter::open(const fs::path& root) {
  std::error_code error;
  auto rules = std::make_unique<Rules>();
  rules->root = fs::canonical(root, error);
  if (error == std::errc::no_such_file_or_directory) return fail(ErrorCode::kNotFound, fmt::format("{}: no such folder", root.string()));
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", root.string(), error.message()));
  if (!fs::is_directory(rules->root, error)) return fail(ErrorCode::kInvalidArgument, fmt::format("{}: expected a folder", root.string()));

  start_libgit2();
  fs::path top = rules->root;
  // Git, too, passes over a .git that is no repository.
  for (auto next = find_workspace_root(top / "any"); next && !rules->outer; next = find_workspace_root(*next)) {
    rules->outer = open_repository(*next);
    if (rules->outer) top = *next;
  }
  if (!rules->outer) {
    top = find_workspace_root(top / "any").value_or(top);
    rules->outer = repository_of_plain_files(top);
  }
  if (!rules->outer) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot read its ignore rules", root.string()));
  const fs::path inside = rules->root.lexically_relative(top);
  rules->root_in_outer = inside == "." ? "" : inside.generic_string();
  rules->judge_root();
  return WorkspaceFilter(std::move(rules));
}

std::optional<Refusal> WorkspaceFilter::refused_entry(std::string_view relative_path, bool is_folder) const {
  if (const auto reason = refused_by_name(relative_path, is_folder)) return reason;
  if (rules_->root_reason) return rules_->root_reason;
  return rules_->is_ignored(relative_path, is_folder) ? std::optional(Refusal::kIgnored) : std::nullopt;
}

std::optional<Refusal> WorkspaceFilter::refused(std::string_view relative_path, bool is_folder) const {
  if (const auto reason = refused_by_name(relative_path, is_folder)) return reason;
  for (std::size_t slash = relative_path.find('/'); slash != std::string_view::npos; slash = relative_path.find('/', slash + 1)) {
    if (const auto reason = refused_entry(relative_path.substr(0, slash), /*is_folder=*/true)) return reason;
  }
  return refused_entry(relative_path, is_folder);
}

std::optional<Refusal> WorkspaceFilter::withheld(std::string_view relative_path) const {
  const auto by_name = refused_by_name(relative_path, /*is_folder=*/false);
  if (by_name == Refusal::kSecret) return by_name;
  if (by_name == Refusal::kOutside) return std::nullopt;
  if (rules_->root_reason) return rules_->root_reason;
  for (std::size_t slash = relative_path.find('/'); slash != std::string_view::npos; slash = relative_path.find('/', slash + 1)) {
    if (rules_->is_ignored(relative_path.substr(0, slash), /*is_folder=*/true)) return Refusal::kIgnored;
  }
  return rules_->is_ignored(relative_path, /*is_folder=*/false) ? std::optional(Refusal::kIgnored) : std::nullopt;
}

Result<std::vector<WorkspaceFile>> list_workspace_files(const fs::path& root, const std::stop_token& stop) {
  const Result<WorkspaceFilter> filter = WorkspaceFilter::open(root);
  if (!filter) return tl::unexpected(filter.error());
  const FileDescriptor top(::open(filter->root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat top_status {};
  if (!top.is_open() || ::fstat(top.get(), &top_status) != 0) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", root.string(), std::strerror(errno)));
  }
  std::vector<WorkspaceFile> files;
  std::size_t n_entries = 0;
  const auto may_go_on = [&] { return files.size() < kMaxWorkspaceFiles && n_entries < kMaxEntries && !stop.stop_requested(); };
  for (std::deque<std::string> folders{""}; !folders.empty() && may_go_on(); folders.pop_front()) {
    const std::string& folder = folders.front();
    FileDescriptor fd = open_beneath(top.get(), folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd.is_open() ? ::fdopendir(fd.get()) : nullptr, &::closedir);
    if (!entries) continue;
    fd.release();  // `entries` closes it
    for (const dirent* entry = ::readdir(entries.get()); entry != nullptr && may_go_on(); entry = ::readdir(entries.get())) {
      ++n_entries;
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      struct stat status {};
      if (::fstatat(::dirfd(entries.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
      const bool is_folder = S_ISDIR(status.st_mode) && status.st_dev == top_status.st_dev;
      const auto n_bytes = static_cast<std::uint64_t>(status.st_size);
      if (!is_folder && (!S_ISREG(status.st_mode) || n_bytes == 0 || n_bytes > kMaxWorkspaceFileBytes)) continue;
      std::string path = joined(folder, name);
      if (filter->refused_entry(path, is_folder)) continue;
      if (is_folder) {
        folders.push_back(std::move(path));
      } else {
        files.push_back({std::move(path), n_bytes, nanoseconds(status.st_mtim)});
      }
    }
  }
  std::ranges::sort(files, [](const WorkspaceFile& a, const WorkspaceFile& b) {
    return a.mtime_ns != b.mtime_ns ? a.mtime_ns > b.mtime_ns : a.path < b.path;
  });
  return files;
}

Result<std::string> read_workspace_file(const fs::path& root, std::string_view path) {
  const std::string label = (root / path).string();
  if (const auto reason = refused_by_name(path, /*is_folder=*/false)) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", label, to_string(*reason)));
  }
  const auto system_failed = [&label] {
    const ErrorCode code = errno == ENOENT || errno == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kUnreadable;
    return fail(code, fmt::format("{}: {}", label, errno == ELOOP ? "a symbolic link" : std::strerror(errno)));
  };
  const FileDescriptor top(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top.is_open()) return system_failed();
  // O_NONBLOCK: a pipe without a writer would make open wait.
  const FileDescriptor fd = open_beneath(top.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd.is_open()) return system_failed();
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_failed();
  if (!S_ISREG(status.st_mode)) return fail(ErrorCode::kUnsupported, fmt::format("{}: not a regular file", label));
  if (static_cast<std::uint64_t>(status.st_size) > kMaxWorkspaceFileBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{}: {} bytes, at most {} are read", label, status.st_size, kMaxWorkspaceFileBytes));
  }

  // One byte more than it should have would show that it grew.
  std::string text(static_cast<std::size_t>(status.st_size) + 1, '\0');
  std::size_t n_read = 0;
  while (n_read < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + n_read, text.size() - n_read);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_failed();
    if (n == 0) break;
    n_read += static_cast<std::size_t>(n);
  }
  if (n_read == text.size()) return fail(ErrorCode::kUnreadable, fmt::format("{}: grew while it was read", label));
  text.resize(n_read);
  return clean_workspace_text(std::move(text), label);
}

Result<std::string> clean_workspace_text(std::string text, std::string_view label) {
  if (text.size() > kMaxWorkspaceFileBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{}: {} bytes, at most {} are read", label, text.size(), kMaxWorkspaceFileBytes));
  }
  const auto unsupported = [&label](const char* what) { return fail(ErrorCode::kUnsupported, fmt::format("{}: {}", label, what)); };
  if (text.find('\0') != std::string::npos) return unsupported("not text: it holds NUL bytes");
  if (holds_private_key(text)) return unsupported("it holds a private key");
  const auto n_lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + (text.ends_with('\n') || text.empty() ? 0 : 1);
  if (text.size() > kMaxLineBytes * n_lines) return unsupported("not text that a person writes: its lines are too long");
  std::optional<std::string> mended = mended_utf8(text, kMaxBrokenSequences);
  if (!mended) return unsupported("not text: it is not UTF-8");
  return *std::move(mended);
}

std::optional<fs::path> find_workspace_root(const fs::path& file) {
  std::error_code error;
  fs::path folder = fs::absolute(file, error).parent_path();
  if (error) return std::nullopt;
  while (true) {
    const fs::file_status status = fs::status(folder / ".git", error);
    if (fs::is_directory(status) || fs::is_regular_file(status)) return folder;
    if (folder == folder.parent_path()) return std::nullopt;
    folder = folder.parent_path();
  }
}

}  // namespace octet::engine

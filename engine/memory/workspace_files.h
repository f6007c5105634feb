// Which files of a workspace the memory may read, their list, and their text.
//
// Nothing here follows a symbolic link below the root, leaves the root's file system, or runs anything that a repository
// names. The names alone are judged in path_rules; git's rules come from libgit2, which only this file's implementation knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "engine/memory/path_rules.h"

namespace octet::engine {

inline constexpr std::uint64_t kMaxWorkspaceFileBytes = std::uint64_t{1} << 20;
inline constexpr std::size_t kMaxWorkspaceFiles = 200'000;
/// Of broken UTF-8 in a text: a name in Latin-1 in a comment is no reason to refuse a file, a table of bytes is.
inline constexpr std::size_t kMaxBrokenSequences = 8;
/// Average bytes of a line, its end included; above it the text is minified or data.
inline constexpr std::size_t kMaxLineBytes = 2000;

/// Judges paths of one workspace. Move-only; used by one thread at a time, different filters by different threads.
///
/// Rules are read again when their files change; a repository that is made around or moved away from the root is seen by the
/// next open(). Where libgit2 differs from git it refuses more, never less: a tracked file that a rule names counts as
/// ignored, and a '!' rule does not take back what a .gitignore of a folder above says.
class WorkspaceFilter {
 public:
  /// `root` must be a folder; links on the way to it are followed. In a git repository, whoever owns it, its rules hold: each
  /// .gitignore from its top on, .git/info/exclude, and the user's global excludes. In none, or in one that cannot be
  /// opened, each .gitignore from the root (or that repository's top) on and the global excludes hold.
  /// Fails with kNotFound (no such folder), kUnreadable (the system refuses), kInvalidArgument (not a folder).
  static Result<WorkspaceFilter> open(const std::filesystem::path& root);

  WorkspaceFilter(WorkspaceFilter&&) noexcept;
  WorkspaceFilter& operator=(WorkspaceFilter&&) noexcept;
  ~WorkspaceFilter();

  /// The reason why the memory must not read what is at this path (kOutside, kSecret, kNotPersonsText or kIgnored), or
  /// nothing. `relative_path` is relative to the root, with '/' between its components, none of them empty or a dot; it need
  /// not exist. A path is refused with each folder above it. Rules that cannot be read refuse what they may speak of.
  std::optional<Refusal> refused(std::string_view relative_path, bool is_folder) const;

  /// The same for a path whose folder refused() let through: one look-up instead of one for each component.
  std::optional<Refusal> refused_entry(std::string_view relative_path, bool is_folder) const;

  /// kSecret or kIgnored where the file at this path is one of them, whatever else might speak against remembering it; else nothing.
  std::optional<Refusal> withheld(std::string_view relative_path) const;

  /// Absolute and without links.
  const std::filesystem::path& root() const;

 private:
  struct Rules;
  explicit WorkspaceFilter(std::unique_ptr<Rules> rules);

  std::unique_ptr<Rules> rules_;
};

struct WorkspaceFile {
  std::string path;  // relative to the root, '/' between components, clean UTF-8
  std::uint64_t n_bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970

  bool operator==(const WorkspaceFile&) const = default;
};

/// The regular files of 1 byte to kMaxWorkspaceFileBytes that the filter lets through, newest first, then by path. Their
/// content is not looked at. Folders that are refused or cannot be read are not entered. Nearer folders come first: after
/// kMaxWorkspaceFiles files or ten times as many entries the walk ends, and so it does when `stop` is asked for; the list
/// then has what was found so far.
/// Fails as WorkspaceFilter::open().
Result<std::vector<WorkspaceFile>> list_workspace_files(const std::filesystem::path& root, const std::stop_token& stop);

/// The text of a file, always clean UTF-8: up to kMaxBrokenSequences broken sequences become U+FFFD. Git's rules are not asked.
/// Fails with
///  - kInvalidArgument: refused_by_name() refuses the path;
///  - kNotFound: no such file, or the root is gone;
///  - kUnreadable: the system refuses, a component of the path is a link, or the file grows while it is read;
///  - kTooLarge: more than kMaxWorkspaceFileBytes;
///  - kUnsupported: not a regular file, "not text" (NUL bytes, more broken UTF-8, longer lines than kMaxLineBytes on average),
///    or it holds a private key.
Result<std::string> read_workspace_file(const std::filesystem::path& root, std::string_view path);

/// What read_workspace_file() makes of a text that it read: the same checks, and the same errors where it refuses; their messages begin
/// with `label`.
Result<std::string> clean_workspace_text(std::string text, std::string_view label);

/// The nearest folder above `file` that holds `.git`, be it a folder or, in worktrees and submodules, a file. Links are not
/// resolved; a relative path is taken from the current folder.
std::optional<std::filesystem::path> find_workspace_root(const std::filesystem::path& file);

}  // namespace octet::engine

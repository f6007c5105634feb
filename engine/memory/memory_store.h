// What the workspace memory leaves on the disk, so that it need not read a whole tree again: one file a workspace.
//
// Only its user can read it, from its first byte on. A file that is there is whole: it is written under another name, flushed,
// and renamed. Readers trust none of it.
//
// The format, little-endian, sizes and counts of 8 bytes:
//   "octmem1\n"; size of the root's path; number of files; the root's path;
//   for each file: size of its path, size on the disk, time of change (signed), size of its text; path; text;
//   SHA-256 of all bytes before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::engine {

/// Larger stores are neither written nor read.
inline constexpr std::uint64_t kMaxStoreBytes = std::uint64_t{512} << 20;

/// A file as it was when the memory read it.
struct StoredFile {
  std::string path;  // relative to the root
  std::uint64_t n_bytes = 0;
  std::int64_t mtime_ns = 0;
  std::string text;

  bool operator==(const StoredFile&) const = default;
};

/// The same, looking at what somebody else owns.
struct StoredFileView {
  StoredFileView(const StoredFile& file) : StoredFileView(file.path, file.n_bytes, file.mtime_ns, file.text) {}
  StoredFileView(std::string_view file_path, std::uint64_t file_bytes, std::int64_t file_mtime_ns, std::string_view file_text)
      : path(file_path), n_bytes(file_bytes), mtime_ns(file_mtime_ns), text(file_text) {}

  std::string_view path;
  std::uint64_t n_bytes;
  std::int64_t mtime_ns;
  std::string_view text;
};

/// `$XDG_CACHE_HOME/octet/workspaces` or `$HOME/.cache/octet/workspaces`; a variable that is no absolute path counts as not
/// set. Empty where neither is known.
std::filesystem::path memory_folder();

/// The store of one workspace. A value; safe to use from several threads and processes at once: of two that save, the last
/// to finish wins.
class MemoryStore {
 public:
  /// Nothing is read or made yet. Links in `root` are resolved as far as it exists. An empty `folder` makes load() fail with
  /// kNotFound and save() with kInvalidArgument.
  MemoryStore(std::filesystem::path folder, const std::filesystem::path& root);

  /// Fails with
  ///  - kNotFound: there is none;
  ///  - kUnreadable: the system refuses, it is a link or no regular file, belongs to another user, or others than its owner
  ///    may read or write it;
  ///  - kTooLarge: more than kMaxStoreBytes;
  ///  - kMalformed: it breaks the format, its checksum is wrong, or it is of another root. The message says where, what was
  ///    expected, what was found.
  /// Allocates no more than four times the file's size and a small buffer, whatever the file claims.
  Result<std::vector<StoredFile>> load() const;

  /// Replaces what is there; after a failure the old one still is. Makes the folder, with mode 0700, or takes others' rights
  /// to it away. Removes what writers that were killed left there.
  /// Fails with
  ///  - kInvalidArgument: the folder is empty;
  ///  - kTooLarge: more than kMaxStoreBytes;
  ///  - kUnreadable: the system refuses (full disk ...), or the folder is a link or belongs to another user.
  Result<void> save(std::span<const StoredFileView> files) const;

  /// Removes the store and all that writers of it left, running ones included: their save fails. Nothing there is no failure.
  /// Fails with kUnreadable.
  Result<void> forget() const;

  std::filesystem::path file() const { return folder_ / name_; }

 private:
  std::filesystem::path folder_;
  std::string root_;
  std::string name_;
};

struct StoreTotals {
  std::size_t n_stores = 0;
  std::uint64_t n_bytes = 0;
};

/// Of all workspaces; none where there is no folder or it cannot be read.
StoreTotals count_stores(const std::filesystem::path& folder);

/// Removes the stores of all workspaces and what writers left, and nothing else. Returns how many stores there were; 0 where
/// there is no folder. Fails with kUnreadable; it removes what it can first.
Result<std::size_t> forget_all(const std::filesystem::path& folder);

}  // namespace octet::engine

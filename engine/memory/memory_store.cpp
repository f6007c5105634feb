#include "engine/memory/memory_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bytemodel/sha256.h"
#include "engine/memory/file_descriptor.h"

namespace octet::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "octmem1\n";
constexpr std::string_view kEnding = ".octmem";
constexpr std::size_t kNameDigits = 32;  // of the root's SHA-256
constexpr std::size_t kDigestBytes = bytemodel::Sha256::kBytes;
constexpr std::uint64_t kFixedBytes = kMagic.size() + 2 * sizeof(std::uint64_t) + kDigestBytes;
constexpr std::uint64_t kFileBytes = 4 * sizeof(std::uint64_t);  // of each file, without its path and text
constexpr std::size_t kBufferBytes = std::size_t{1} << 16;
constexpr std::time_t kAbandonedSeconds = 86'400;

using bytemodel::Sha256;
using Digest = Sha256::Digest;

std::string store_name(std::string_view root) {
  Sha256 hash;
  hash.add(root);
  return bytemodel::to_hex(hash.finish()).substr(0, kNameDigits).append(kEnding);
}

/// Store names, and with `.PID.RANDOM` behind them the temporary ones.
bool is_store_name(std::string_view name) {
  return name.size() == kNameDigits + kEnding.size() && name.ends_with(kEnding) &&
         name.substr(0, kNameDigits).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}
bool is_temporary_name(std::string_view name) {
  constexpr std::size_t kStoreName = kNameDigits + kEnding.size();
  return name.size() > kStoreName && name[kStoreName] == '.' && is_store_name(name.substr(0, kStoreName));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

class Writer {
 public:
  explicit Writer(int fd) : fd_(fd) { buffer_.reserve(kBufferBytes); }
  void add(std::string_view bytes) {
    hash_.add(bytes);
    add_unhashed(bytes);
  }
  void add(std::uint64_t value) {
    std::array<char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(value >> (8 * i));
    add(std::string_view(bytes.data(), bytes.size()));
  }
  /// False where anything could not be written; errno says why.
  bool finish() {
    const Digest digest = hash_.finish();
    add_unhashed({reinterpret_cast<const char*>(digest.data()), digest.size()});
    return flush();
  }

 private:
  void add_unhashed(std::string_view bytes) {
    if (buffer_.size() + bytes.size() > kBufferBytes) flush();
    if (bytes.size() > kBufferBytes) {
      write(bytes);
    } else {
      buffer_ += bytes;
    }
  }
  bool flush() {
    write(buffer_);
    buffer_.clear();
    if (error_ != 0) errno = error_;
    return error_ == 0;
  }
  void write(std::string_view bytes) {
    if (error_ == 0 && !write_all(fd_, bytes)) error_ = errno;
  }

  int fd_;
  int error_ = 0;
  std::string buffer_;
  Sha256 hash_;
};

/// Hands out what stands before the checksum of a file of a known size, and never more.
class Reader {
 public:
  Reader(int fd, std::uint64_t file_bytes) : fd_(fd), n_left_(file_bytes - kDigestBytes) {}
  std::uint64_t n_left() const { return n_left_; }

  // False where the file has become shorter or cannot be read. No more than n_left() bytes may be asked for.
  bool read(std::string& to, std::uint64_t n_bytes) {
    to.resize(static_cast<std::size_t>(n_bytes));
    return read(to.data(), to.size());
  }
  bool read(std::uint64_t& to) {
    std::array<unsigned char, 8> bytes{};
    if (!read(reinterpret_cast<char*>(bytes.data()), bytes.size())) return false;
    to = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) to = (to << 8) | bytes[i];
    return true;
  }
  /// The checksum in the file, and the one of all that was read.
  bool read_digests(Digest& stored, Digest& found) {
    found = hash_.finish();
    return fetch(reinterpret_cast<char*>(stored.data()), stored.size());
  }

 private:
  bool read(char* to, std::size_t n_bytes) {
    if (!fetch(to, n_bytes)) return false;
    hash_.add({to, n_bytes});
    n_left_ -= n_bytes;
    return true;
  }
  bool fetch(char* to, std::size_t n_bytes) {
    while (n_bytes > 0) {
      if (at_ == buffer_.size() && !fill()) return false;
      const std::size_t n = std::min(n_bytes, buffer_.size() - at_);
      std::memcpy(to, buffer_.data() + at_, n);
      at_ += n;
      to += n;
      n_bytes -= n;
    }
    return true;
  }
  bool fill() {
    buffer_.resize(kBufferBytes);
    at_ = 0;
    ssize_t n = 0;
    do {
      n = ::read(fd_, buffer_.data(), buffer_.size());
    } while (n < 0 && errno == EINTR);
    buffer_.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    return n > 0;
  }

  int fd_;
  std::uint64_t n_left_;
  std::string buffer_;
  std::size_t at_ = 0;
  Sha256 hash_;
};

/// Makes `folder` and what is missing above it, for this user alone. The folder must be the user's own.
Result<FileDescriptor> open_own_folder(const fs::path& folder) {
  const auto failed = [&folder](std::string_view why) { return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", folder.string(), why)); };
  fs::path made;
  int error = 0;
  for (const fs::path& component : folder) {
    made /= component;
    if (::mkdir(made.c_str(), 0700) != 0) error = errno;
  }
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct stat status {};
  if (!fd.is_open() && errno == ENOTDIR) return failed("expected a folder, and not a link to one");
  if (!fd.is_open() && errno != ENOENT) error = errno;
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) return failed(std::strerror(error));
  if (status.st_uid != ::geteuid()) return failed(fmt::format("belongs to user {}, expected {}", status.st_uid, ::geteuid()));
  if ((status.st_mode & 0077) != 0 && ::fchmod(fd.get(), 0700) != 0) return failed(std::strerror(errno));
  return fd;
}

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  FileDescriptor fd(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fd.is_open() ? ::fdopendir(fd.get()) : nullptr, &::closedir);
  if (!entries) return names;
  fd.release();  // `entries` closes it
  for (const dirent* entry = ::readdir(entries.get()); entry != nullptr; entry = ::readdir(entries.get()))
    names.emplace_back(entry->d_name);
  return names;
}

/// A writer holds a lock on its file; its process may be invisible from here (containers), its number may be another's now.
bool is_abandoned(int folder, const std::string& name) {
  const FileDescriptor fd(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (status.st_mtim.tv_sec < std::time(nullptr) - kAbandonedSeconds) return true;
  pid_t writer = 0;
  const char* begin = name.data() + kNameDigits + kEnding.size() + 1;
  if (std::from_chars(begin, name.data() + name.size(), writer).ec != std::errc() || writer <= 0) return false;
  return ::kill(writer, 0) != 0 && errno == ESRCH && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_abandoned(int folder) {
  for (const std::string& name : names_in(folder)) {
    if (is_temporary_name(name) && is_abandoned(folder, name)) ::unlinkat(folder, name.c_str(), 0);
  }
}

/// Removes what `is_wanted` names. Returns how many of them were stores.
Result<std::size_t> remove_stores(const fs::path& folder, const auto& is_wanted) {
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto failed = [&folder](int error) {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot forget: {}", folder.string(), std::strerror(error)));
  };
  if (!fd.is_open() && (errno == ENOENT || errno == ENOTDIR)) return 0;
  if (!fd.is_open()) return failed(errno);
  std::size_t n_removed = 0;
  int error = 0;
  for (const std::string& name : names_in(fd.get())) {
    if (!is_wanted(name)) continue;
    if (::unlinkat(fd.get(), name.c_str(), 0) == 0) {
      n_removed += is_store_name(name) ? 1 : 0;
    } else if (errno != ENOENT) {
      error = errno;
    }
  }
  ::fsync(fd.get());
  if (error != 0) return failed(error);
  return n_removed;
}

}  // namespace

fs::path memory_folder() {
  const auto folder = [](const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && fs::path(value).is_absolute() ? fs::path(value) : fs::path();
  };
  if (const fs::path cache = folder("XDG_CACHE_HOME"); !cache.empty()) return cache / "octet" / "workspaces";
  const fs::path home = folder("HOME");
  return home.empty() ? fs::path() : home / ".cache" / "octet" / "workspaces";
}

MemoryStore::MemoryStore(fs::path folder, const fs::path& root) : folder_(std::move(folder)) {
  std::error_code error;
  fs::path canonical = fs::weakly_canonical(root, error);
  if (error) canonical = root.lexically_normal();
  root_ = canonical.string();
  if (root_.size() > 1 && root_.ends_with('/')) root_.pop_back();
  name_ = store_name(root_);
}

Result<std::vector<StoredFile>> MemoryStore::load() const {
  const std::string label = file().string();
  const auto failed = [&label](ErrorCode code, std::string_view why) { return fail(code, fmt::format("{}: {}", label, why)); };
  if (folder_.empty()) return fail(ErrorCode::kNotFound, "no folder for the workspace memory: neither XDG_CACHE_HOME nor HOME is set");
  const FileDescriptor fd(::open(file().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open() && (errno == ENOENT || errno == ENOTDIR)) return failed(ErrorCode::kNotFound, "no such file");
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    return failed(ErrorCode::kUnreadable, errno == ELOOP ? "a symbolic link" : std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return failed(ErrorCode::kUnreadable, "expected a regular file");
  if (status.st_uid != ::geteuid()) {
    return failed(ErrorCode::kUnreadable, fmt::format("belongs to user {}, expected {}", status.st_uid, ::geteuid()));
  }
  if ((status.st_mode & 0077) != 0) {
    return failed(ErrorCode::kUnreadable, fmt::format("mode {:04o} lets others in, expected 0600", status.st_mode & 07777));
  }
  const auto n_bytes = static_cast<std::uint64_t>(status.st_size);
  if (n_bytes > kMaxStoreBytes) {
    return failed(ErrorCode::kTooLarge, fmt::format("{} bytes, at most {} are read", n_bytes, kMaxStoreBytes));
  }

  const auto malformed = [&failed](std::string_view why) { return failed(ErrorCode::kMalformed, why); };
  const auto ended = [&malformed] { return malformed("became shorter while it was read"); };
  if (n_bytes < kFixedBytes) return malformed(fmt::format("{} bytes, expected at least {}", n_bytes, kFixedBytes));
  Reader reader(fd.get(), n_bytes);
  std::string magic;
  std::uint64_t root_bytes = 0;
  std::uint64_t n_files = 0;
  if (!reader.read(magic, kMagic.size()) || !reader.read(root_bytes) || !reader.read(n_files)) return ended();
  if (magic != kMagic) return malformed("expected \"octmem1\\n\" as its first 8 bytes");
  if (root_bytes > reader.n_left()) return malformed(fmt::format("root: claims {} bytes, {} are left", root_bytes, reader.n_left()));
  std::string root;
  if (!reader.read(root, root_bytes)) return ended();
  if (root != root_) return malformed(fmt::format("expected the store of {}, found that of {}", root_, root.substr(0, 200)));
  if (n_files > reader.n_left() / kFileBytes) {
    return malformed(fmt::format("claims {} files, {} bytes are left", n_files, reader.n_left()));
  }
  std::vector<StoredFile> files;
  files.reserve(static_cast<std::size_t>(n_files));
  for (std::uint64_t i = 0; i < n_files; ++i) {
    if (reader.n_left() < kFileBytes) return malformed(fmt::format("file {} of {}: {} bytes are left", i, n_files, reader.n_left()));
    StoredFile& next = files.emplace_back();
    std::uint64_t path_bytes = 0;
    std::uint64_t mtime = 0;
    std::uint64_t text_bytes = 0;
    if (!reader.read(path_bytes) || !reader.read(next.n_bytes) || !reader.read(mtime) || !reader.read(text_bytes)) {
      return ended();
    }
    next.mtime_ns = static_cast<std::int64_t>(mtime);
    // Compared by subtraction: their sum could wrap around.
    if (path_bytes > reader.n_left() || text_bytes > reader.n_left() - path_bytes) {
      return malformed(fmt::format("file {} of {}: claims {} bytes of path and {} of text, {} are left", i, n_files, path_bytes, text_bytes,
                                   reader.n_left()));
    }
    if (!reader.read(next.path, path_bytes) || !reader.read(next.text, text_bytes)) return ended();
  }
  if (reader.n_left() != 0) return malformed(fmt::format("{} bytes behind the last of {} files", reader.n_left(), n_files));
  Digest stored{};
  Digest found{};
  if (!reader.read_digests(stored, found)) return ended();
  if (stored != found) return malformed("its bytes do not have the SHA-256 at its end");
  return files;
}

Result<void> MemoryStore::save(std::span<const StoredFileView> files) const {
  if (folder_.empty())
    return fail(ErrorCode::kInvalidArgument, "no folder for the workspace memory: neither XDG_CACHE_HOME nor HOME is set");
  std::uint64_t n_bytes = kFixedBytes + root_.size();
  for (const StoredFileView& file : files) n_bytes += kFileBytes + file.path.size() + file.text.size();
  if (n_bytes > kMaxStoreBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{}: {} bytes, at most {} are written", file().string(), n_bytes, kMaxStoreBytes));
  }
  const Result<FileDescriptor> folder = open_own_folder(folder_);
  if (!folder) return tl::unexpected(folder.error());
  remove_abandoned(folder->get());

  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof random, 0) != sizeof random) random = static_cast<std::uint64_t>(std::time(nullptr));
  const std::string temporary = fmt::format("{}.{}.{:016x}", name_, ::getpid(), random);
  const FileDescriptor fd(::openat(folder->get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  const auto failed = [&] {
    const int error = errno;
    if (fd.is_open()) ::unlinkat(folder->get(), temporary.c_str(), 0);
    return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot write: {}", file().string(), std::strerror(error)));
  };
  if (!fd.is_open()) return failed();
  ::flock(fd.get(), LOCK_EX | LOCK_NB);  // some file systems have no locks: leftovers then wait for a day
  Writer writer(fd.get());
  writer.add(kMagic);
  writer.add(root_.size());
  writer.add(files.size());
  writer.add(root_);
  for (const StoredFileView& file : files) {
    writer.add(file.path.size());
    writer.add(file.n_bytes);
    writer.add(static_cast<std::uint64_t>(file.mtime_ns));
    writer.add(file.text.size());
    writer.add(file.path);
    writer.add(file.text);
  }
  // The umask may have taken rights from the owner too.
  if (!writer.finish() || ::fchmod(fd.get(), 0600) != 0 || ::fsync(fd.get()) != 0) return failed();
  if (::renameat(folder->get(), temporary.c_str(), folder->get(), name_.c_str()) != 0) return failed();
  ::fsync(folder->get());  // some file systems cannot flush a folder: the rename still happened
  return {};
}

Result<void> MemoryStore::forget() const {
  const auto is_mine = [this](std::string_view name) { return name == name_ || (is_temporary_name(name) && name.starts_with(name_)); };
  const Result<std::size_t> removed = remove_stores(folder_, is_mine);
  if (!removed) return tl::unexpected(removed.error());
  return {};
}

StoreTotals count_stores(const fs::path& folder) {
  StoreTotals totals;
  const FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return totals;
  for (const std::string& name : names_in(fd.get())) {
    struct stat status {};
    if (!is_store_name(name) || ::fstatat(fd.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    ++totals.n_stores;
    totals.n_bytes += static_cast<std::uint64_t>(status.st_size);
  }
  return totals;
}

Result<std::size_t> forget_all(const fs::path& folder) {
  return remove_stores(folder, [](std::string_view name) { return is_store_name(name) || is_temporary_name(name); });
}

}  // namespace octet::engine

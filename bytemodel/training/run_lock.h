// One writer a run: two would delete each other's checkpoints.
#pragma once

#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

/// Held until destruction, or the process's end however it comes.
class RunLock {
 public:
  /// Fails with kUnreadable when another process, or another lock of this one, holds DIRECTORY/lock.
  static Result<RunLock> acquire(const std::filesystem::path& directory) {
    RunLock lock;
    lock.fd_ = ::open((directory / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock.fd_ < 0 || ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
      return fail(ErrorCode::kUnreadable, fmt::format("{}: another run writes here, or the folder cannot be written", directory.string()));
    }
    return lock;
  }

  RunLock(RunLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  RunLock() = default;

  int fd_ = -1;
};

}  // namespace octet::bytemodel::training

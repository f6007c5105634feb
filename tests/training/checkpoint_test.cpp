// Checkpoints survive whatever happens to the process that writes them.
#include "tests/training/support/catch.h"

#include <csignal>
#include <fstream>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytemodel/training/checkpoint.h"
#include "bytemodel/training/random.h"
#include "tests/training/support/tiny_corpus.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
namespace fs = std::filesystem;

/// Every number is the step's, so that a mixture of two checkpoints would show.
Checkpoint make_checkpoint(std::uint64_t step) {
  Checkpoint out{tiny_options(), {step, step * 1024, step * 8, 1.5}, "corpus", {}};
  for (int i = 0; i < 4; ++i) out.tensors.push_back({"value/" + std::to_string(i), torch::full({50000}, static_cast<float>(step))});
  return out;
}

bool is_whole(const Checkpoint& checkpoint) {
  if (checkpoint.tensors.size() != 4) return false;
  for (const Parameter& p : checkpoint.tensors) {
    if (!p.value.eq(static_cast<float>(checkpoint.position.step)).all().item<bool>()) return false;
  }
  return true;
}

std::size_t count_files(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a checkpoint reads back as it was written, and the three newest are kept") {
  const TemporaryFolder folder;
  for (std::uint64_t step = 1; step <= 5; ++step) REQUIRE(write_checkpoint(folder.path(), make_checkpoint(step)));
  CHECK(count_files(folder.path()) == 3);
  std::vector<std::string> skipped;
  const Checkpoint found = read_newest_checkpoint(folder.path(), skipped).value();
  CHECK(skipped.empty());
  CHECK(found.position.step == 5);
  CHECK(found.position.n_bytes == 5120);
  CHECK(found.position.n_sequences == 40);
  CHECK(found.corpus == "corpus");
  CHECK(found.options == tiny_options());
  CHECK(is_whole(found));
}

TEST_CASE("kill -9 at any moment of writing leaves a whole checkpoint") {
  const TemporaryFolder folder;
  REQUIRE(write_checkpoint(folder.path(), make_checkpoint(1)));
  std::uint64_t last = 1;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::uint64_t step = last + 1;; ++step) {
        if (!write_checkpoint(folder.path(), make_checkpoint(step))) ::_exit(1);
      }
    }
    Random random(7, i);
    ::usleep(static_cast<useconds_t>(random.below(20000)));  // the moment is the test: no event to wait for
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    std::vector<std::string> skipped;
    const Result<Checkpoint> found = read_newest_checkpoint(folder.path(), skipped);
    REQUIRE(found);
    CHECK(skipped.empty());
    CHECK(is_whole(*found));
    CHECK(found->position.step >= last);
    last = found->position.step;
  }
  CHECK(last > 1);
  // What the killed writers left goes with the next whole checkpoint.
  REQUIRE(write_checkpoint(folder.path(), make_checkpoint(last + 1)));
  CHECK(count_files(folder.path()) == 3);
}

TEST_CASE("a damaged newest checkpoint is named and the one before it is used") {
  const TemporaryFolder folder;
  REQUIRE(write_checkpoint(folder.path(), make_checkpoint(1)));
  const fs::path newest = write_checkpoint(folder.path(), make_checkpoint(2)).value();
  fs::resize_file(newest, fs::file_size(newest) / 2);
  std::vector<std::string> skipped;
  const Checkpoint found = read_newest_checkpoint(folder.path(), skipped).value();
  CHECK(found.position.step == 1);
  REQUIRE(skipped.size() == 1);
  CHECK(skipped.front().find(newest.string()) != std::string::npos);
}

TEST_CASE("a full disk is an error and the earlier checkpoint stays") {
  const TemporaryFolder folder;
  REQUIRE(write_checkpoint(folder.path(), make_checkpoint(1)));
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100000, 100000};  // the closest thing to a full disk that needs no disk
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto written = write_checkpoint(folder.path(), make_checkpoint(2));
    ::_exit(!written && written.error().code == ErrorCode::kUnreadable ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 0);
  std::vector<std::string> skipped;
  CHECK(read_newest_checkpoint(folder.path(), skipped).value().position.step == 1);
  CHECK(count_files(folder.path()) == 1);
}

TEST_CASE("files that are no checkpoints are refused with a reason") {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "checkpoint-0000000001.safetensors";
  std::ofstream(path) << "not a checkpoint";
  CHECK_FALSE(read_checkpoint(path));
  std::vector<std::string> skipped;
  const auto none = read_newest_checkpoint(folder.path(), skipped);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::kNotFound);
  CHECK(skipped.size() == 1);
}

}  // namespace octet::tests

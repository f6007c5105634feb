#include "bytemodel/training/corpus/package_client.h"

#include <array>
#include <cstdlib>

#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/training/corpus/packages.h"

namespace octet::tests {
namespace {

using namespace bytemodel::training;
namespace fs = std::filesystem;

TEST_CASE("A program that exits with 0 succeeds, and any other end is an error that says which") {
  const ScratchFolder folder;
  CHECK(run_program({"true"}, folder.path()));
  const auto failed = run_program({"false"}, folder.path());
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kUnreadable);
  CHECK(failed.error().message == "false failed (exit code 1): ");
  CHECK(run_program({"sh", "-c", "echo out; echo err >&2; exit 127"}, folder.path()).error().message ==
        "sh failed (exit code 127): out\nerr");
  CHECK(run_program({"sh", "-c", "kill -KILL $$"}, folder.path()).error().message == "sh failed (signal 9): ");
}

TEST_CASE("A program or a folder that is not there is an error with the system's reason") {
  const ScratchFolder folder;
  const auto missing = run_program({"octet-no-such-program"}, folder.path());
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "octet-no-such-program cannot be started in " + folder.path().string() + ": No such file or directory");
  CHECK_FALSE(run_program({"true"}, folder / "none"));
}

TEST_CASE("A program runs in its folder without a shell and without input") {
  const ScratchFolder folder;
  REQUIRE(run_program({"touch", "a b", "$HOME", "*"}, folder.path()));
  CHECK(fs::exists(folder / "a b"));
  CHECK(fs::exists(folder / "$HOME"));
  CHECK(fs::exists(folder / "*"));

  std::array<int, 2> ends{};  // a line that waits on our own input
  REQUIRE(::pipe(ends.data()) == 0);
  REQUIRE(::write(ends[1], "line\n", 5) == 5);
  const int old = ::dup(STDIN_FILENO);
  ::dup2(ends[0], STDIN_FILENO);
  const auto read_a_line = run_program({"sh", "-c", "read line"}, folder.path());
  ::dup2(old, STDIN_FILENO);
  for (const int fd : {old, ends[0], ends[1]}) ::close(fd);
  CHECK_FALSE(read_a_line);
}

TEST_CASE("Of a long output the end is kept") {
  const ScratchFolder folder;
  const auto failed = run_program({"sh", "-c", "for i in $(seq 100000); do echo line $i; done; echo the end; exit 3"}, folder.path());
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message.ends_with("line 100000\nthe end"));
  CHECK(failed.error().message.size() < 500);
}

/// Programs of a folder of its own in front of the system's.
class ProgramsGuard {
 public:
  ProgramsGuard() : old_(std::getenv("PATH")) { ::setenv("PATH", (folder_.path().string() + ":" + old_).c_str(), 1); }
  ProgramsGuard(const ProgramsGuard&) = delete;
  ProgramsGuard& operator=(const ProgramsGuard&) = delete;
  ~ProgramsGuard() { ::setenv("PATH", old_.c_str(), 1); }

  void add(const std::string& name, const std::string& script) const {
    write_file(folder_ / name, "#!/bin/sh\n" + script);
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }

 private:
  ScratchFolder folder_;
  std::string old_;
};

constexpr const char* kPackNpm = R"(
echo "$@" >> ../calls
mkdir -p package/lib && echo '{"license": "MIT"}' > package/package.json && echo text > package/lib/a.js
tar -czf scope-name-1.0.0.tgz package && rm -r package
echo scope-name-1.0.0.tgz
)";

TEST_CASE("A package is downloaded once, by the client, and unpacked wherever it is wanted") {
  const ScratchFolder folder;
  const ProgramsGuard programs;
  programs.add("npm", kPackNpm);
  const fs::path cache = folder / "cache";
  PackageClient client(cache);
  for (const char* target : {"one", "two"}) {
    fs::create_directories(folder / target);
    REQUIRE(client.unpack(npm("@scope/name", Split::kTrain), folder / target));
    CHECK(read_file(folder / target / "lib/a.js") == "text\n");
  }
  CHECK(read_file(cache / "calls") == "pack --silent --ignore-scripts @scope/name@1.0.0\n");
}

TEST_CASE("A folder is relative to the caller, not to the client") {
  const ScratchFolder folder;
  const ProgramsGuard programs;
  programs.add("npm", kPackNpm);
  const fs::path old = fs::current_path();
  fs::current_path(folder.path());
  fs::create_directories("out/package");
  PackageClient client("cache");
  const Result<void> unpacked = client.unpack(npm("name", Split::kTrain), "out/package");
  fs::current_path(old);
  REQUIRE(unpacked);
  CHECK(fs::exists(folder / "out" / "package/lib/a.js"));
}

TEST_CASE("A download that failed half way is an error, and is begun anew") {
  const ScratchFolder folder;
  const ProgramsGuard programs;
  programs.add("npm", "echo half > scope-name-0.tgz; echo connection reset >&2; exit 1");
  PackageClient client(folder / "cache");
  fs::create_directories(folder / "out");
  const auto failed = client.unpack(npm("name", Split::kTrain), folder / "out");
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == ErrorCode::kUnreadable);
  CHECK(failed.error().message == "npm failed (exit code 1): connection reset");
  programs.add("npm", kPackNpm);
  REQUIRE(client.unpack(npm("name", Split::kTrain), folder / "out"));
  CHECK(fs::exists(folder / "out" / "lib/a.js"));
}

TEST_CASE("A client that brings nothing, or no archive, is an error") {
  const ScratchFolder folder;
  const ProgramsGuard programs;
  fs::create_directories(folder / "out");
  PackageClient client(folder / "cache");
  programs.add("npm", "exit 0");
  CHECK(client.unpack(npm("none", Split::kTrain), folder / "out").error().message ==
        "none: expected a .tgz file from the client, found none");
  programs.add("npm", "echo noise > a.tgz");
  CHECK(client.unpack(npm("noise", Split::kTrain), folder / "out").error().message.starts_with("tar failed"));
}

TEST_CASE("A cache that cannot be made is an error with its path") {
  const ScratchFolder folder;
  write_file(folder / "file", "");
  PackageClient client(folder / "file");
  const auto unpacked = client.unpack(npm("name", Split::kTrain), folder / "out");
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().message.starts_with((folder / "file").string()));
}

}  // namespace
}  // namespace octet::tests

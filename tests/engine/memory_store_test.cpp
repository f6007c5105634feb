// The store of the workspace memory: what is saved comes back, damage is refused, nobody else can read it, and whatever
// happens to a writer, a whole store is there.
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <rapidcheck.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "engine/memory/memory_store.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using engine::MemoryStore;
using engine::StoredFile;
using engine::StoredFileView;

Result<void> save(const MemoryStore& store, const std::vector<StoredFile>& files) {
  return store.save(std::vector<StoredFileView>(files.begin(), files.end()));
}

ErrorCode load_error(const MemoryStore& store) {
  const auto loaded = store.load();
  REQUIRE(!loaded);
  CHECK(loaded.error().message.find(store.file().string()) != std::string::npos);
  return loaded.error().code;
}

std::vector<StoredFile> few_files() {
  return {{"a.c", 3, 1'700'000'000'123'456'789, "int"}, {"src/b.py", 0, -1, ""}, {"\xC3\xA4/c", 1, 0, std::string("\0\xFF", 2)}};
}

/// Files that all hold `letter`, so that a mixture of two saves shows.
std::vector<StoredFile> files_of(char letter) {
  std::vector<StoredFile> files;
  for (int i = 0; i < 40; ++i) files.push_back({std::string(1, letter) + std::to_string(i), 5000, letter, std::string(5000, letter)});
  return files;
}

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// Runs `child` in a process of its own.
template <class Child>
pid_t start_process(Child child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    child();
    ::_exit(0);
  }
  REQUIRE(pid > 0);
  return pid;
}

int wait_for_process(pid_t pid) {
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class ChangedVariable {
 public:
  ChangedVariable(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    value == nullptr ? ::unsetenv(name) : ::setenv(name, value, 1);
  }
  ~ChangedVariable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

}  // namespace

TEST_CASE("what a store saved it loads, whatever the names and texts") {
  ScratchFolder scratch;
  CHECK(rc::check("load gives what save got", [&scratch] {
    const auto n_files = *rc::gen::inRange(0, 20);
    std::vector<StoredFile> files;
    for (int i = 0; i < n_files; ++i) {
      files.push_back({*rc::gen::arbitrary<std::string>(), *rc::gen::arbitrary<std::uint64_t>(), *rc::gen::arbitrary<std::int64_t>(),
                       *rc::gen::arbitrary<std::string>()});
    }
    if (n_files > 0 && *rc::gen::arbitrary<bool>()) files[0].text.assign(*rc::gen::inRange<std::size_t>(60'000, 200'000), 't');
    const MemoryStore store(scratch / "store", scratch.path());
    RC_ASSERT(save(store, files).has_value());
    const auto loaded = store.load();
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(*loaded == files);
  }));
  CHECK(std::distance(fs::directory_iterator(scratch / "store"), fs::directory_iterator()) == 1);
}

TEST_CASE("a store that is not there is not found") {
  ScratchFolder scratch;
  CHECK(load_error(MemoryStore(scratch / "none", scratch.path())) == ErrorCode::kNotFound);
  CHECK(load_error(MemoryStore(scratch.path(), scratch.path())) == ErrorCode::kNotFound);
  CHECK(MemoryStore({}, scratch.path()).load().error().code == ErrorCode::kNotFound);
  CHECK(save(MemoryStore({}, scratch.path()), {}).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a workspace has one store, whichever link leads to it, and no other workspace's") {
  ScratchFolder scratch;
  fs::create_directory(scratch / "root");
  fs::create_directory_symlink(scratch / "root", scratch / "link");
  const MemoryStore store(scratch / "store", scratch / "root");
  CHECK(store.file() == MemoryStore(scratch / "store", scratch / "link").file());
  CHECK(store.file() == MemoryStore(scratch / "store", scratch / "root/").file());
  const MemoryStore other(scratch / "store", scratch.path());
  CHECK(store.file() != other.file());
  REQUIRE(save(store, few_files()));
  fs::copy_file(store.file(), other.file());
  fs::permissions(other.file(), fs::perms::owner_read | fs::perms::owner_write);
  CHECK(load_error(other) == ErrorCode::kMalformed);
}

TEST_CASE("a store that is cut off anywhere, longer, or has a wrong bit is refused") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "store", "/root/of/nothing");
  REQUIRE(save(store, few_files()));
  const std::string whole = read_file(store.file());
  const auto loads = [&store](std::string_view bytes) {
    write_file(store.file(), bytes);
    fs::permissions(store.file(), fs::perms::owner_read | fs::perms::owner_write);
    const auto loaded = store.load();
    if (!loaded) CHECK(loaded.error().code == ErrorCode::kMalformed);
    return loaded.has_value();
  };
  REQUIRE(loads(whole));
  std::size_t n_loaded = 0;
  for (std::size_t n = 0; n < whole.size(); ++n) n_loaded += loads(whole.substr(0, n)) ? 1 : 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int bits : {0x01, 0x80, 0xFF}) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ bits);
      n_loaded += loads(damaged) ? 1 : 0;
    }
  }
  CHECK(n_loaded == 0);
  CHECK(!loads(whole + "x"));
  CHECK(!loads(whole + whole));
}

TEST_CASE("a store that is too large is refused before it is read") {
  ScratchFolder scratch;
  const MemoryStore store(scratch.path(), "/root");
  write_file(store.file(), "octmem1\n");
  fs::permissions(store.file(), fs::perms::owner_read | fs::perms::owner_write);
  fs::resize_file(store.file(), engine::kMaxStoreBytes + 1);  // takes no place on the disk
  CHECK(load_error(store) == ErrorCode::kTooLarge);
  const std::string text(16 << 20, 't');
  const std::vector<StoredFileView> many(32, StoredFileView("a", 1, 1, text));
  CHECK(store.save(many).error().code == ErrorCode::kTooLarge);
}

TEST_CASE("nobody else can read a store, not even for a moment under a loose umask") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "cache/octet/workspaces", scratch.path());
  const pid_t writer = start_process([&store] {
    ::umask(0);
    const auto files = files_of('a');
    while (true) {
      if (!save(store, files)) ::_exit(1);
    }
  });
  std::size_t n_seen = 0;
  mode_t seen = 0;
  while (n_seen < 3000) {
    std::error_code error;
    for (auto entry = fs::directory_iterator(scratch / "cache/octet/workspaces", error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
      struct stat status {};
      if (::lstat(entry->path().c_str(), &status) != 0) continue;
      seen |= status.st_mode & 07777;
      ++n_seen;
    }
  }
  ::kill(writer, SIGKILL);
  CHECK(wait_for_process(writer) == -SIGKILL);
  CHECK(seen == 0600);
  for (const char* folder : {"cache", "cache/octet", "cache/octet/workspaces"}) CHECK(mode_of(scratch / folder) == 0700);

  fs::permissions(scratch / "cache/octet/workspaces", fs::perms::all);
  const pid_t strict = start_process([&store] {
    ::umask(0777);
    if (!save(store, few_files())) ::_exit(1);
  });
  CHECK(wait_for_process(strict) == 0);
  CHECK(mode_of(scratch / "cache/octet/workspaces") == 0700);
  CHECK(mode_of(store.file()) == 0600);
  CHECK(store.load().value() == few_files());
}

TEST_CASE("a store that others can reach, or that is another's or a link, is refused") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "store", scratch.path());
  REQUIRE(save(store, few_files()));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0602U, 0611U}) {
    ::chmod(store.file().c_str(), mode);
    CHECK(load_error(store) == ErrorCode::kUnreadable);
  }
  ::chmod(store.file().c_str(), 0600);
  fs::rename(store.file(), scratch / "moved");
  fs::create_symlink(scratch / "moved", store.file());
  CHECK(load_error(store) == ErrorCode::kUnreadable);
  fs::remove(store.file());
  REQUIRE(::mkfifo(store.file().c_str(), 0600) == 0);
  CHECK(load_error(store) == ErrorCode::kUnreadable);
  fs::remove(store.file());
  fs::rename(scratch / "moved", store.file());
  CHECK(store.load());

  fs::create_directory_symlink(scratch / "store", scratch / "link");
  CHECK(save(MemoryStore(scratch / "link", scratch.path()), {}).error().code == ErrorCode::kUnreadable);
  if (::geteuid() != 0) return;  // only root gives files away
  REQUIRE(::chown(store.file().c_str(), 12345, static_cast<gid_t>(-1)) == 0);
  CHECK(load_error(store) == ErrorCode::kUnreadable);
  CHECK(store.load().error().message.find("12345") != std::string::npos);
  REQUIRE(::chown((scratch / "store").c_str(), 12345, static_cast<gid_t>(-1)) == 0);
  CHECK(save(store, {}).error().code == ErrorCode::kUnreadable);
}

TEST_CASE("a writer that is killed at any moment leaves a whole store, old or new") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "store", scratch.path());
  const auto a = files_of('a');
  const auto b = files_of('b');
  REQUIRE(save(store, a));
  std::size_t n_leftovers = 0;
  std::srand(7);
  for (int round = 0; round < 100; ++round) {
    const pid_t writer = start_process([&] {
      while (true) {
        if (!save(store, b) || !save(store, a)) ::_exit(1);
      }
    });
    ::usleep(static_cast<useconds_t>(std::rand() % 3000));  // orders nothing: any moment must do
    ::kill(writer, SIGKILL);
    REQUIRE(wait_for_process(writer) == -SIGKILL);
    const auto loaded = store.load();
    REQUIRE(loaded);
    REQUIRE((*loaded == a || *loaded == b));
    n_leftovers += static_cast<std::size_t>(std::distance(fs::directory_iterator(scratch / "store"), fs::directory_iterator())) - 1;
  }
  CHECK(n_leftovers > 0);  // or nobody was killed while writing
  REQUIRE(save(store, a));
  CHECK(std::distance(fs::directory_iterator(scratch / "store"), fs::directory_iterator()) == 1);
}

TEST_CASE("a store that does not fit on the disk leaves the old one and nothing else") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "store", scratch.path());
  REQUIRE(save(store, few_files()));
  const pid_t writer = start_process([&store] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto saved = save(store, files_of('a'));
    ::_exit(!saved && saved.error().code == ErrorCode::kUnreadable ? 0 : 1);
  });
  CHECK(wait_for_process(writer) == 0);
  CHECK(store.load().value() == few_files());
  CHECK(std::distance(fs::directory_iterator(scratch / "store"), fs::directory_iterator()) == 1);
}

TEST_CASE("two writers at once leave one whole store") {
  ScratchFolder scratch;
  const MemoryStore store(scratch / "store", scratch.path());
  const auto write_many = [&store](char letter) {
    const auto files = files_of(letter);
    for (int i = 0; i < 50; ++i) {
      if (!save(store, files)) ::_exit(1);
    }
  };
  const pid_t other = start_process([&] { write_many('b'); });
  std::size_t n_failed = 0;
  {
    const auto files = files_of('a');
    std::jthread same_process([&] {
      for (int i = 0; i < 50; ++i) n_failed += save(store, files) ? 0 : 1;
    });
    for (int i = 0; i < 200; ++i) {
      const auto loaded = store.load();
      if (!loaded && loaded.error().code == ErrorCode::kNotFound) continue;
      REQUIRE(loaded);
      REQUIRE((*loaded == files || *loaded == files_of('b')));
    }
  }
  CHECK(n_failed == 0);
  CHECK(wait_for_process(other) == 0);
  CHECK(store.load());
  CHECK(std::distance(fs::directory_iterator(scratch / "store"), fs::directory_iterator()) == 1);
}

TEST_CASE("a save removes what dead writers left and nothing else") {
  ScratchFolder scratch;
  const MemoryStore store(scratch.path(), "/root");
  const std::string name = store.file().filename().string();
  const pid_t dead = start_process([] {});
  REQUIRE(wait_for_process(dead) == 0);
  const std::string of_dead = name + "." + std::to_string(dead) + ".00";
  const std::string of_living = name + "." + std::to_string(::getpid()) + ".00";
  const std::string of_living_old = name + "." + std::to_string(::getpid()) + ".01";
  for (const std::string& file : {of_dead, of_living, of_living_old, std::string("notes.txt")}) write_file(scratch / file, "x");
  fs::last_write_time(scratch / of_living_old, fs::file_time_type::clock::now() - std::chrono::hours(25));
  REQUIRE(save(store, {}));
  CHECK(!fs::exists(scratch / of_dead));
  CHECK(!fs::exists(scratch / of_living_old));
  CHECK(fs::exists(scratch / of_living));
  CHECK(fs::exists(scratch / "notes.txt"));

  const MemoryStore other(scratch.path(), "/other");
  REQUIRE(save(other, {}));
  REQUIRE(store.forget());
  CHECK(!fs::exists(store.file()));
  CHECK(!fs::exists(scratch / of_living));
  CHECK(fs::exists(other.file()));
  REQUIRE(store.forget());
  REQUIRE(save(store, {}));
  write_file(scratch / of_living, "x");
  CHECK(engine::forget_all(scratch.path()).value() == 2);
  CHECK(scratch.n_entries() == 1);
  CHECK(fs::exists(scratch / "notes.txt"));
  CHECK(engine::forget_all(scratch / "none").value() == 0);
}

TEST_CASE("the folder of the stores follows the environment") {
  const ChangedVariable home("HOME", "/h");
  {
    const ChangedVariable cache("XDG_CACHE_HOME", "/c");
    CHECK(engine::memory_folder() == "/c/octet/workspaces");
  }
  for (const char* cache_home : {static_cast<const char*>(nullptr), "", "relative"}) {
    const ChangedVariable cache("XDG_CACHE_HOME", cache_home);
    CHECK(engine::memory_folder() == "/h/.cache/octet/workspaces");
    const ChangedVariable no_home("HOME", nullptr);
    CHECK(engine::memory_folder().empty());
  }
}

}  // namespace octet::tests

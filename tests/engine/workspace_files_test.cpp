// Which files the workspace memory may read: names, git's rules (git itself is the oracle), the walk, and the content.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <git2.h>
#include <rapidcheck.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "engine/memory/utf8_text.h"
#include "engine/memory/workspace_files.h"
#include "tests/bytemodel/scratch.h"
#include "tests/support/utf8.h"

namespace octet::tests {
namespace {

namespace fs = std::filesystem;
using engine::find_workspace_root;
using engine::list_workspace_files;
using engine::read_workspace_file;
using engine::refused_by_name;
using engine::WorkspaceFile;
using engine::WorkspaceFilter;

void put(const fs::path& path, std::string_view text = "text\n") {
  fs::create_directories(path.parent_path());
  write_file(path, text);
}

/// A folder for a workspace beside an empty home: the rules of who runs the tests do not count, neither here nor in git.
class Workspace {
 public:
  Workspace() {
    git_libgit2_init();
    fs::create_directories(scratch_ / "home/git");
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, level == GIT_CONFIG_LEVEL_XDG ? (home() / "git").c_str() : home().c_str());
    }
    fs::create_directory(root());
  }
  ~Workspace() { git_libgit2_shutdown(); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  fs::path root() const { return scratch_ / "root"; }
  fs::path home() const { return scratch_ / "home"; }
  fs::path operator/(std::string_view name) const { return root() / name; }

  std::string git(const std::string& arguments) const {
    const std::string home_folder = home().string();
    const std::string command = "cd '" + root().string() + "' && HOME='" + home_folder + "' XDG_CONFIG_HOME='" + home_folder +
                                "' GIT_CONFIG_NOSYSTEM=1 GIT_CEILING_DIRECTORIES='" + home_folder + "' git " + arguments;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::string output;
    for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) output += static_cast<char>(c);
    return output;
  }

  std::set<std::string> listed(const fs::path& below = {}) const {
    const auto files = list_workspace_files(root() / below, {});
    REQUIRE(files);
    std::set<std::string> paths;
    for (const WorkspaceFile& file : *files) paths.insert(file.path);
    REQUIRE(paths.size() == files->size());
    return paths;
  }

  /// What git would add, without git's own files.
  std::set<std::string> listed_by_git() const {
    std::istringstream lines(git("ls-files -co --exclude-standard"));
    std::set<std::string> paths;
    for (std::string line; std::getline(lines, line);) paths.insert(line);
    return paths;
  }

 private:
  ScratchFolder scratch_;
};

using Paths = std::set<std::string>;

bool has_git() { return std::system("git --version > /dev/null 2>&1") == 0; }

std::string reason(std::optional<engine::Refusal> refusal) { return refusal ? std::string(to_string(*refusal)) : ""; }

const std::vector<std::string> kSecrets = {
    ".env",        ".env.local",       ".ENV.Production", "prod.env",    ".envrc",         "server.pem",
    "Server.PEM",  "tls.key",          "id_rsa",          "id_ed25519",  "ID_RSA",         "id_rsa.pub",
    ".netrc",      ".npmrc",           ".pypirc",         "a.p12",       "a.pfx",          "a.jks",
    "a.keystore",  ".git-credentials", ".htpasswd",       "credentials", "Credentials",    ".aws/config",
    ".ssh/config", ".gnupg/trustdb",   "pass.kdbx",       "a/.env/b.c",  "x.pem/readme.c", "a/.SSH/known_hosts",
    "tls.key.bak", ".id_rsa.swp",      "tls.key~",        ".#tls.key",   "#.netrc#",       "credentials.json",
    "secrets.yml", "deep/er/.env",     "id_rsa/x.c",      "putty.ppk"};

}  // namespace

TEST_CASE("the names of secrets are refused, in any case and anywhere in a path") {
  for (const std::string& path : kSecrets) {
    INFO(path);
    CHECK(reason(refused_by_name(path, /*is_folder=*/false)) == "secret");
    CHECK(reason(refused_by_name("src/" + path, /*is_folder=*/false)) == "secret");
    CHECK(reason(refused_by_name(path + "/inside.c", /*is_folder=*/false)) == "secret");
  }
  CHECK(engine::lies_in_secret_folder("/home/a/.ssh"));
  CHECK(engine::lies_in_secret_folder("/home/a/.AWS/sub"));
  CHECK(!engine::lies_in_secret_folder("/home/a/ssh"));
}

TEST_CASE("what a person wrote is not refused by its name") {
  for (const char* path :
       {"main.c", "README", "Makefile", "a/b/c.rs", "src/environment.py", "identity.go", "keyboard.ts", "lib/Target/x.cpp",
        "src/credentials.py", "x.unknownlanguage", "\xC3\xA4.py", "build.rs", "out.c", "dist.py", ".vimrc", "a.min", "so.c"}) {
    INFO(path);
    CHECK(reason(refused_by_name(path, /*is_folder=*/false)).empty());
  }
  for (const char* path : {"src", "a/lib", "Vendor", "builder", ".github"})
    CHECK(reason(refused_by_name(path, /*is_folder=*/true)).empty());
}

TEST_CASE("foreign folders and files, and paths that lead outside, are refused") {
  for (const char* folder :
       {"node_modules", ".git", ".hg", ".svn", "target", "build", "dist", "out", "vendor", "third_party", "__pycache__", ".venv", "venv",
        ".tox", ".mypy_cache", ".idea", ".vscode-test", "cmake-build-debug", "a.egg-info"}) {
    INFO(folder);
    CHECK(reason(refused_by_name(folder, /*is_folder=*/true)) == "not the person's text");
    CHECK(reason(refused_by_name("a/" + std::string(folder) + "/b/c.c", /*is_folder=*/false)) == "not the person's text");
  }
  for (const char* file : {"jquery.min.js", "app.js.map", "package-lock.json", "Cargo.lock", "yarn.lock", "a.png", "A.PNG", "libx.so",
                           "libx.so.1.2", "x.tar.gz", "model.safetensors", "a\nb.c", "a\x01.c", "\xFF.c", "a.c~", "b/x.pyc"}) {
    INFO(file);
    CHECK(reason(refused_by_name(file, /*is_folder=*/false)) == "not the person's text");
  }
  std::string deep = "a";
  for (std::size_t i = 1; i < engine::kMaxPathComponents; ++i) deep += "/a";
  CHECK(reason(refused_by_name(deep, /*is_folder=*/false)).empty());
  deep += "/a";
  for (const std::string& path :
       {std::string(), std::string("/etc/passwd"), std::string("../a.c"), std::string("a/../b.c"), std::string("./a.c"),
        std::string("a//b.c"), std::string("a/"), std::string("a\0b.c", 5), std::string(5000, 'a'), std::string(".."), deep}) {
    INFO(path);
    CHECK(reason(refused_by_name(path, /*is_folder=*/false)) == "outside");
  }
}

TEST_CASE("canaries in denied files are never listed nor read") {
  const Workspace workspace;
  put(workspace / "kept.c");
  for (const std::string& path : kSecrets) {
    if (fs::exists(fs::symlink_status(workspace / path))) continue;
    std::error_code error;
    fs::create_directories((workspace / path).parent_path(), error);
    if (!error) put(workspace / path, "CANARY\n");
    const auto text = read_workspace_file(workspace.root(), path);
    REQUIRE(!text);
    CHECK(text.error().code == ErrorCode::kInvalidArgument);
  }
  put(workspace / "node_modules/m/index.js", "CANARY\n");
  CHECK(workspace.listed() == Paths{"kept.c"});
  put(workspace / ".ssh/deep/config", "CANARY\n");
  CHECK(workspace.listed(".ssh/deep").empty());
}

TEST_CASE("the rules of a repository hold in the workspace, also below its top") {
  if (!has_git()) return;
  const Workspace workspace;
  workspace.git("init -q .");
  for (const char* path : {"a.c", "ignored.c", "sub/a.c", "sub/local.c", "sub/deep/local.c", "sub/gone/x.c", "excluded.c", "sub/excluded.c",
                           "global.c", "configured.c", "other/local.c"}) {
    put(workspace / path);
  }
  put(workspace / ".gitignore", "/ignored.c\n/sub/gone/\n");
  put(workspace / "sub/.gitignore", "local.c\n");
  put(workspace / ".git/info/exclude", "excluded.c\n");
  put(workspace.home() / "git/ignore", "global.c\n");
  CHECK(workspace.listed() == Paths{"a.c", "sub/a.c", "configured.c", "other/local.c", ".gitignore", "sub/.gitignore"});
  CHECK(workspace.listed() == workspace.listed_by_git());
  CHECK(workspace.listed("sub") == Paths{"a.c", ".gitignore"});
  CHECK(workspace.listed("sub/gone").empty());

  const auto filter = WorkspaceFilter::open(workspace.root());
  REQUIRE(filter);
  const auto refused = [&filter](std::string_view path) { return reason(filter->refused(path, /*is_folder=*/false)); };
  CHECK(refused("a.c").empty());
  CHECK(refused("ignored.c") == "ignored");
  CHECK(refused("sub/gone/new.c") == "ignored");
  CHECK(refused("sub/deep/excluded.c") == "ignored");
  CHECK(refused("sub/.env") == "secret");
  CHECK(refused("../a.c") == "outside");
  CHECK(reason(filter->refused("sub/gone", /*is_folder=*/true)) == "ignored");

  put(workspace / "list", "configured.c\n");
  workspace.git("config core.excludesfile '" + (workspace / "list").string() + "'");
  CHECK(!workspace.listed().contains("configured.c"));
  // A rule that is added later holds at once.
  put(workspace / "other/.gitignore", "*.c\n# a comment, so that the size differs\n");
  CHECK(refused("other/local.c") == "ignored");
}

TEST_CASE("rules hold without a repository, in another user's, and in one with unknown extensions") {
  if (!has_git()) return;
  const Workspace workspace;
  for (const char* path : {"a.c", "no.c", "excluded.c", "sub/no.c", "sub/b.c"}) put(workspace / path);
  put(workspace / ".gitignore", "no.c\n");
  CHECK(workspace.listed() == Paths{".gitignore", "a.c", "excluded.c", "sub/b.c"});
  CHECK(workspace.listed("sub") == Paths{"no.c", "b.c"});  // nothing says that the folder above has anything to say

  workspace.git("init -q .");
  put(workspace / ".git/info/exclude", "excluded.c\n");
  const Paths expected{".gitignore", "a.c", "sub/b.c"};
  CHECK(workspace.listed() == expected);
  workspace.git("config core.repositoryformatversion 1");
  workspace.git("config extensions.worktreeConfig true");
  CHECK(workspace.listed() == expected);
  if (::geteuid() == 0) {
    for (const char* path : {"", ".git", ".git/config"}) REQUIRE(::chown((workspace / path).c_str(), 12345, 12345) == 0);
    CHECK(workspace.listed() == expected);
  }
  put(workspace / ".git/config", read_file(workspace / ".git/config") + "[extensions]\n\tnobodyKnows = true\n");
  CHECK(workspace.listed() == expected);
  CHECK(workspace.listed("sub") == Paths{"b.c"});

  fs::remove(workspace / ".git/HEAD");  // no repository any more
  CHECK(workspace.listed() == Paths{".gitignore", "a.c", "excluded.c", "sub/b.c"});
  CHECK(workspace.listed("sub") == Paths{"b.c"});
}

TEST_CASE("the rules of a repository hold in its worktrees") {
  if (!has_git()) return;
  const Workspace workspace;
  workspace.git("init -q main");
  workspace.git("-C main -c user.name=a -c user.email=a@example.org commit -q --allow-empty -m first");
  workspace.git("-C main worktree add -q ../tree 2> /dev/null");
  put(workspace / "main/.git/info/exclude", "excluded.c\n");
  put(workspace / "tree/a.c");
  put(workspace / "tree/sub/excluded.c");
  REQUIRE(fs::is_regular_file(workspace / "tree/.git"));
  CHECK(workspace.listed("tree") == Paths{"a.c"});
  CHECK(workspace.listed() == Paths{"tree/a.c"});
}

TEST_CASE("a repository inside the workspace brings its own excludes") {
  if (!has_git()) return;
  const Workspace workspace;
  put(workspace / "project/a.c");
  put(workspace / "project/sub/private.c");
  put(workspace / "private.c");
  workspace.git("init -q project");
  put(workspace / "project/.git/info/exclude", "private.c\n");
  CHECK(workspace.listed() == Paths{"project/a.c", "private.c"});
  const auto filter = WorkspaceFilter::open(workspace.root());
  REQUIRE(filter);
  CHECK(reason(filter->refused("project/sub/private.c", /*is_folder=*/false)) == "ignored");
  CHECK_FALSE(filter->refused("private.c", /*is_folder=*/false));
}

TEST_CASE("the list is what git lists, in random trees with random rules") {
  if (!has_git()) return;
  const std::vector<std::string> names{"a", "b", "ab", "a.c", "b.c", "c.txt", "x", "foo", "doc"};
  const std::vector<std::string> rules{"*.c", "a",       "/a",      "b/",        "/b/", "**/a",    "a/**",   "a/*",   "foo/**/a",
                                       "*/",  "[ab]",    "[!a]*",   "?",         "a?",  "foo/a",   "a/b",    "x/**/", "# c",
                                       "",    "doc/*.c", "*.[a-c]", "[a-c].txt", "\\a", "**/foo/", "foo/*/", "a ",    " a"};
  const std::vector<std::string> takes_back{"!a", "!*.c", "!b/", "!/foo", "!*/", "!doc/a.c", "!a/**", "!/a"};
  for (unsigned seed = 0; seed < 60; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    const auto below = [&random](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    const bool has_takes_back = seed % 2 == 1;
    const auto rule = [&] { return has_takes_back && below(3) == 0 ? takes_back[below(takes_back.size())] : rules[below(rules.size())]; };
    const Workspace workspace;
    std::vector<std::pair<fs::path, int>> folders{{workspace.root(), 0}};  // with their depth
    for (std::size_t i = 0; i < folders.size(); ++i) {
      const auto [folder, depth] = folders[i];
      for (const std::string& name : names) {
        const std::size_t kind = below(10);
        if (kind < 2 && depth < 3) {
          fs::create_directory(folder / name);
          folders.emplace_back(folder / name, depth + 1);
        } else if (kind < 7) {
          put(folder / name);
        }
      }
      if (i > 0 && below(3) != 0) continue;
      std::string text;
      for (std::size_t n = 1 + below(4); n > 0; --n) text += rule() + "\n";
      put(folder / ".gitignore", text);
    }
    const Paths plain = workspace.listed();
    workspace.git("init -q .");
    put(workspace / ".git/info/exclude", below(3) == 0 ? rule() + "\n" : "");
    const Paths ours = workspace.listed();
    const Paths gits = workspace.listed_by_git();
    CHECK(std::ranges::includes(gits, ours));
    CHECK(std::ranges::includes(plain, ours));
    if (!has_takes_back) CHECK(ours == gits);
  }
}

TEST_CASE("the walk follows no link, skips what is no file, and sorts the newest first") {
  const Workspace workspace;
  put(workspace.home() / "outside.c");
  for (const char* path : {"old.c", "new.c", "same_b.c", "same_a.c", "sub/x.c"}) put(workspace / path);
  put(workspace / "empty.c", "");
  put(workspace / "limit.c", std::string(engine::kMaxWorkspaceFileBytes, 'x'));
  put(workspace / "large.c", std::string(engine::kMaxWorkspaceFileBytes + 1, 'x'));
  fs::create_symlink(workspace / "old.c", workspace / "link.c");
  fs::create_directory_symlink(workspace / "sub", workspace / "link");
  fs::create_directory_symlink(workspace.root(), workspace / "sub/loop");
  fs::create_directory_symlink(workspace.home(), workspace / "home");
  REQUIRE(::mkfifo((workspace / "pipe.c").c_str(), 0600) == 0);
  const auto at = [](int seconds) { return fs::file_time_type::clock::now() - std::chrono::seconds(seconds); };
  const auto same = at(50);
  for (const auto& [path, time] :
       {std::pair("old.c", at(100)), {"same_b.c", same}, {"same_a.c", same}, {"new.c", at(10)}, {"sub/x.c", at(20)}, {"limit.c", at(5)}}) {
    fs::last_write_time(workspace / path, time);
  }
  const auto files = list_workspace_files(workspace.root(), {});
  REQUIRE(files);
  std::vector<std::string> paths;
  for (const WorkspaceFile& file : *files) paths.push_back(file.path);
  CHECK(paths == std::vector<std::string>{"limit.c", "new.c", "sub/x.c", "same_a.c", "same_b.c", "old.c"});
  struct stat status {};
  REQUIRE(::stat((workspace / "old.c").c_str(), &status) == 0);
  CHECK(files->back().n_bytes == 5);
  CHECK(files->back().mtime_ns == status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec);

  std::stop_source stop;
  stop.request_stop();
  CHECK(list_workspace_files(workspace.root(), stop.get_token()).value().empty());
  CHECK(list_workspace_files(workspace / "none", {}).error().code == ErrorCode::kNotFound);
  CHECK(list_workspace_files(workspace / "old.c", {}).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("rules that cannot be read refuse their folder, and a folder that cannot be read is skipped") {
  const Workspace workspace;
  put(workspace / "a.c");
  put(workspace / "piped/b.c");
  REQUIRE(::mkfifo((workspace / "piped/.gitignore").c_str(), 0600) == 0);  // opening it would wait for ever
  put(workspace / "folder/c.c");
  fs::create_directory(workspace / "folder/.gitignore");
  put(workspace / "closed/d.c");
  fs::permissions(workspace / "closed", fs::perms::none);
  Paths expected{"a.c", "folder/c.c"};
  if (::geteuid() == 0) expected.insert("closed/d.c");  // root reads everything
  CHECK(workspace.listed() == expected);
  fs::permissions(workspace / "closed", fs::perms::owner_all);
  REQUIRE(::mkfifo((workspace / ".gitignore").c_str(), 0600) == 0);
  CHECK(workspace.listed().empty());
}

TEST_CASE("a tree deeper than any path ends the walk, not the stack") {
  const Workspace workspace;
  const std::string name(100, 'd');
  int folder = ::open(workspace.root().c_str(), O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < 100; ++depth) {
    REQUIRE(::mkdirat(folder, name.c_str(), 0700) == 0);
    const int next = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY);
    ::close(folder);
    folder = next;
  }
  ::close(folder);
  put(workspace / "a.c");
  put(workspace / (name + "/b.c"));
  CHECK(workspace.listed() == Paths{"a.c", name + "/b.c"});
  CHECK(std::system(("rm -rf '" + (workspace / name).string() + "'").c_str()) == 0);
}

TEST_CASE("a file is read only where it is text that is no secret") {
  const Workspace workspace;
  const auto read = [&workspace](std::string_view text) {
    put(workspace / "sub/file.c", text);
    return read_workspace_file(workspace.root(), "sub/file.c");
  };
  const auto code = [&read](std::string_view text) { return read(text).error().code; };
  CHECK(read("int a;\r\n\tint b;").value() == "int a;\r\n\tint b;");
  CHECK(read("").value().empty());
  CHECK(read("gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\n").value() == "gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80\n");
  CHECK(read("caf\xE9\n\xFE").value() == "caf\xEF\xBF\xBD\n\xEF\xBF\xBD");
  CHECK(code(std::string("a\0b\n", 4)) == ErrorCode::kUnsupported);
  std::string latin1 = "text ";
  for (int i = 0; i < 8; ++i) latin1 += "\xE9 ";
  CHECK(read(latin1));
  CHECK(code(latin1 + "\xE9") == ErrorCode::kUnsupported);
  CHECK(read(std::string(2000, 'x')));
  CHECK(code(std::string(2001, 'x')) == ErrorCode::kUnsupported);
  CHECK(read(std::string(3000, 'x') + "\n\n"));
  CHECK(read(std::string(engine::kMaxWorkspaceFileBytes / 64, 'y') + std::string(engine::kMaxWorkspaceFileBytes / 64 * 63, '\n')));
  CHECK(code(std::string(engine::kMaxWorkspaceFileBytes + 1, '\n')) == ErrorCode::kTooLarge);
  for (const char* kind : {"", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "}) {
    const std::string block = "-----BEGIN " + std::string(kind) + "PRIVATE KEY-----\nMII\n";
    CHECK(code(block) == ErrorCode::kUnsupported);
    CHECK(code("-----BEGIN CERTIFICATE-----\nabc\n  key: " + block) == ErrorCode::kUnsupported);
  }
  CHECK(code("-----BEGIN PGP PRIVATE KEY BLOCK-----\n") == ErrorCode::kUnsupported);
  CHECK(read("-----BEGIN CERTIFICATE-----\nPRIVATE KEY\n"));
}

TEST_CASE("a read follows no link and says what is wrong") {
  const Workspace workspace;
  put(workspace.home() / "outside.c", "CANARY\n");
  put(workspace / "sub/a.c");
  fs::create_symlink(workspace.home() / "outside.c", workspace / "link.c");
  fs::create_directory_symlink(workspace.home(), workspace / "home");
  REQUIRE(::mkfifo((workspace / "pipe.c").c_str(), 0600) == 0);
  const auto code = [&workspace](std::string_view path) {
    const auto text = read_workspace_file(workspace.root(), path);
    REQUIRE(!text);
    return text.error().code;
  };
  CHECK(read_workspace_file(workspace.root(), "sub/a.c"));
  CHECK(code("link.c") == ErrorCode::kUnreadable);
  CHECK(code("home/outside.c") != ErrorCode::kUnsupported);
  CHECK(code("pipe.c") == ErrorCode::kUnsupported);
  CHECK(code("sub") == ErrorCode::kUnsupported);
  CHECK(code("none.c") == ErrorCode::kNotFound);
  CHECK(code("../home/outside.c") == ErrorCode::kInvalidArgument);
  CHECK(code("/etc/passwd") == ErrorCode::kInvalidArgument);
  CHECK(read_workspace_file(workspace / "none", "a.c").error().code == ErrorCode::kNotFound);
}

TEST_CASE("mended text is UTF-8, and valid text stays as it is") {
  CHECK(rc::check("mended_utf8", [] {
    const auto bytes = *rc::gen::container<std::string>(
        rc::gen::elementOf(std::string("a\n\x7F\x80\xBF\xC0\xC3\xE0\xA0\xED\x9F\xEF\xF0\x90\xF4\x8F\xF5\xFB\xFF")));
    const auto mended = engine::mended_utf8(bytes, bytes.size());
    RC_ASSERT(mended.has_value());
    RC_ASSERT(is_valid_utf8(*mended));
    RC_ASSERT((engine::mended_utf8(bytes, 0) == bytes) == is_valid_utf8(bytes));
  }));
  CHECK(engine::mended_utf8("\xF0\x90\x41", 1) ==
        "\xEF\xBF\xBD"
        "A");
}

TEST_CASE("a workspace root is the nearest folder above with .git in it") {
  const Workspace workspace;
  fs::create_directories(workspace / ".git");
  put(workspace / "a/worktree/.git", "gitdir: elsewhere\n");
  put(workspace / "a/b/c.c");
  CHECK(find_workspace_root(workspace / "a/b/c.c") == workspace.root());
  CHECK(find_workspace_root(workspace / "a/worktree/x/y.c") == workspace / "a/worktree");
  CHECK(find_workspace_root(workspace.root() / "new.c") == workspace.root());
  CHECK(find_workspace_root(workspace.home() / "x.c") == std::nullopt);
}

}  // namespace octet::tests

#include "lsp/document_policy.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>

#include "tests/bytemodel/scratch.h"

namespace octet::lsp {
namespace {

struct Fixture {
  tests::ScratchFolder folder;
  DocumentPolicy policy;

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  std::optional<Silence> refusal(const std::string& path, const std::string& language = "c", std::size_t n_bytes = 1) {
    engine::DocumentSnapshot document;
    document.path = path;
    document.language = language;
    document.text = std::make_shared<const std::string>(n_bytes, 'x');
    return policy.refusal(document);
  }
  std::optional<Silence> refusal_in_folder(const std::string& name) { return refusal((folder / name).string()); }
};

}  // namespace

TEST_CASE("a file that git ignores is left alone, in a repository and in a folder of the workspace") {
  Fixture f;
  if (GENERATE(true, false)) {
    f.policy.set_folders({f.folder.path()});
  } else {  // nobody opened it as a folder
    std::filesystem::create_directories(f.folder / ".git");
  }
  f.write(".gitignore", "build/\n*.log\n!kept.log\n");
  f.write("src/.gitignore", "local.c\n");
  CHECK(f.refusal_in_folder("build/a.c") == Silence::kIgnoredFile);
  CHECK(f.refusal_in_folder("src/build/deep/a.c") == Silence::kIgnoredFile);
  CHECK(f.refusal_in_folder("a.log") == Silence::kIgnoredFile);
  CHECK(f.refusal_in_folder("src/local.c") == Silence::kIgnoredFile);
  CHECK_FALSE(f.refusal_in_folder("kept.log"));
  CHECK_FALSE(f.refusal_in_folder("local.c"));
  CHECK_FALSE(f.refusal_in_folder("src/a.c"));
  // Rules that change count at once.
  f.write(".gitignore", "src/a.c\n");
  CHECK(f.refusal_in_folder("src/a.c") == Silence::kIgnoredFile);
  CHECK_FALSE(f.refusal_in_folder("build/a.c"));
}

TEST_CASE("secret files are left alone wherever they are") {
  Fixture f;
  for (const std::string& root : {f.folder.path().string(), std::string("/nowhere")}) {
    for (const char* name : {"/.env", "/.env.production", "/a.pem", "/a.key", "/id_rsa", "/.netrc", "/.npmrc", "/.ssh/config"}) {
      CAPTURE(root, name);
      CHECK(f.refusal(root + name) == Silence::kSecretFile);
    }
    CHECK_FALSE(f.refusal(root + "/environment.c"));
  }
  CHECK(f.refusal("untitled:.env") == Silence::kSecretFile);
}

TEST_CASE("globs see paths from the root and from the folder of the workspace") {
  Fixture f;
  f.policy.set_folders({f.folder / "inner", f.folder.path()});
  Settings settings;
  settings.disabled_globs = {"generated/**", (f.folder / "only/this.c").string(), "[bad"};
  const auto problems = f.policy.configure(settings);
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Catch::StartsWith("octet.disabledGlobs: '[bad'"));
  CHECK(f.refusal_in_folder("generated/a.c") == Silence::kDisabledGlob);
  CHECK(f.refusal_in_folder("inner/generated/a.c") == Silence::kDisabledGlob);
  CHECK(f.refusal_in_folder("only/this.c") == Silence::kDisabledGlob);
  CHECK_FALSE(f.refusal_in_folder("src/generated/a.c"));
  CHECK_FALSE(f.refusal_in_folder("only/that.c"));
}

TEST_CASE("a language, all of them, or a document that is too large") {
  Fixture f;
  CHECK_FALSE(f.refusal("/a.c", "c", kMaxDocumentBytes));
  CHECK(f.refusal("/a.c", "c", kMaxDocumentBytes + 1) == Silence::kTooLarge);
  Settings settings;
  settings.disabled_languages = {"markdown"};
  f.policy.configure(settings);
  CHECK(f.refusal("/a.md", "markdown") == Silence::kDisabledLanguage);
  CHECK_FALSE(f.refusal("/a.c"));
  settings.is_enabled = false;
  f.policy.configure(settings);
  CHECK(f.refusal("/a.md", "markdown") == Silence::kDisabled);
  CHECK(f.refusal("/a.c") == Silence::kDisabled);
}

}  // namespace octet::lsp

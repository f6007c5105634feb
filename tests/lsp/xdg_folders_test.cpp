// Where octet's files are, for every way of setting the variables.
#include "lsp/xdg_folders.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "engine/memory/memory_store.h"

namespace octet::tests {
namespace {

using lsp::cache_folder;
using lsp::state_folder;

/// Sets variables, and makes them what they were.
class Variables {
 public:
  explicit Variables(const std::map<std::string, std::optional<std::string>>& values) {
    for (const auto& [name, value] : values) {
      const char* old = std::getenv(name.c_str());
      old_[name] = old != nullptr ? std::optional<std::string>(old) : std::nullopt;
      set(name, value);
    }
  }
  ~Variables() {
    for (const auto& [name, value] : old_) set(name, value);
  }

 private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), /*overwrite=*/1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  std::map<std::string, std::optional<std::string>> old_;
};

}  // namespace

TEST_CASE("the variables name the folders") {
  const Variables variables({{"XDG_CACHE_HOME", "/c"}, {"XDG_STATE_HOME", "/s"}, {"HOME", "/home/me"}});
  CHECK(cache_folder() == "/c/octet");
  CHECK(state_folder() == "/s/octet");
}

TEST_CASE("without an absolute path in a variable the folders are at home") {
  const std::optional<std::string> value =
      GENERATE(std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("relative/path"));
  const Variables variables({{"XDG_CACHE_HOME", value}, {"XDG_STATE_HOME", value}, {"HOME", "/home/me"}});
  CHECK(cache_folder() == "/home/me/.cache/octet");
  CHECK(state_folder() == "/home/me/.local/state/octet");
}

TEST_CASE("without an absolute home there are no folders") {
  const std::optional<std::string> home =
      GENERATE(std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("me"));
  const Variables variables({{"XDG_CACHE_HOME", std::nullopt}, {"XDG_STATE_HOME", "x"}, {"HOME", home}});
  CHECK(cache_folder().empty());
  CHECK(state_folder().empty());
}

TEST_CASE("the memory of workspaces is in the cache folder") {
  const std::optional<std::string> cache =
      GENERATE(std::optional<std::string>(), std::optional<std::string>("/c"), std::optional<std::string>("c"));
  const Variables variables({{"XDG_CACHE_HOME", cache}, {"HOME", "/home/me"}});
  CHECK(engine::memory_folder() == cache_folder() / "workspaces");
}

}  // namespace octet::tests

// What the user sets, from JSON to a value: every name, its limits, and what a wrong value is answered with.
#include "lsp/settings.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "engine/completion.h"

namespace octet::tests {
namespace {

using lsp::Json;
using lsp::Settings;
using Problems = std::vector<std::string>;

Settings applied(const Json& section) {
  Settings settings;
  CHECK(lsp::apply_settings(section, settings) == Problems{});
  return settings;
}

std::string problem_of(const Json& section) {
  Settings settings;
  const Problems problems = lsp::apply_settings(section, settings);
  REQUIRE(problems.size() == 1);
  return problems[0];
}

}  // namespace

TEST_CASE("every setting is taken from its name") {
  const Settings s = applied({{"enabled", false},
                              {"model", "/m.safetensors"},
                              {"device", "cpu"},
                              {"threads", 3},
                              {"maxBytes", 64},
                              {"multiline", "never"},
                              {"debounceMs", 20},
                              {"disabledLanguages", {"markdown", "plaintext"}},
                              {"disabledGlobs", {"**/*.min.js"}},
                              {"minConfidence", 0.5},
                              {"idleUnload", 7},
                              {"logLevel", "debug"},
                              {"workspaceMemory", false}});
  CHECK_FALSE(s.is_enabled);
  CHECK(s.model == "/m.safetensors");
  CHECK(s.device == "cpu");
  CHECK(s.threads == 3);
  CHECK(s.max_bytes == 64);
  CHECK(s.multiline == engine::Multiline::kNever);
  CHECK(s.debounce_ms == 20);
  CHECK(s.disabled_languages == std::vector<std::string>{"markdown", "plaintext"});
  CHECK(s.disabled_globs == std::vector<std::string>{"**/*.min.js"});
  CHECK(s.min_confidence == 0.5);
  CHECK(s.idle_unload_minutes == 7);
  CHECK(s.log_level == "debug");
  CHECK_FALSE(s.has_workspace_memory);
}

TEST_CASE("what is null or not there keeps its value") {
  Settings settings;
  settings.max_bytes = 99;
  for (const Json& section : {Json(nullptr), Json::object(), Json{{"maxBytes", nullptr}}}) {
    CHECK(lsp::apply_settings(section, settings) == Problems{});
    CHECK(settings.max_bytes == 99);
  }
}

TEST_CASE("a value that cannot be used is named with what was expected, and the others are taken") {
  Settings settings;
  const Problems problems = lsp::apply_settings(
      {{"maxBytes", 0}, {"multiline", "sometimes"}, {"minConfidence", 1.5}, {"threads", "all"}, {"debounceMs", 9}, {"disabledGlobs", {1}}},
      settings);
  CHECK(problems == Problems{"octet.disabledGlobs: expected an array of strings, found array",
                             "octet.maxBytes: expected an integer from 1 to 4096, found 0",
                             "octet.minConfidence: expected a number from 0 to 1, found 1.5",
                             "octet.multiline: expected one of 'auto', 'always', 'never', found string",
                             "octet.threads: expected an integer from 0 to 1024, found string"});
  CHECK(settings.max_bytes == Settings().max_bytes);
  CHECK(settings.debounce_ms == 9);
  CHECK(problem_of({{"maxbytes", 64}}) == "octet.maxbytes: no such setting");
  CHECK(problem_of(Json::array()) == "octet: expected an object, found array");
  CHECK(problem_of({{"minConfidence", -0.1}}) == "octet.minConfidence: expected a number from 0 to 1, found -0.1");
}

TEST_CASE("the settings of initialize stand under octet or alone, beside what the client can do") {
  CHECK(lsp::initial_settings({{"initializationOptions", {{"octet", {{"threads", 2}}}, {"other", 1}}}}) == Json{{"threads", 2}});
  CHECK(lsp::initial_settings({{"initializationOptions", {{"threads", 2}}}}) == Json{{"threads", 2}});
  CHECK(lsp::initial_settings({{"initializationOptions", nullptr}}).is_null());
  CHECK(lsp::initial_settings(Json::object()).is_null());
  CHECK(applied({{"streaming", true}, {"status", true}}).is_enabled);
}

}  // namespace octet::tests

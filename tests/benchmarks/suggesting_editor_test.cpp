// What a person sees while they type: as the server has it.
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "benchmarks/quality/suggesting_editor.h"
#include "engine/model/f32_runner.h"
#include "kernels/cpu/kernel_table.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

engine::Completer completer() {
  return engine::Completer(std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels("")));
}

engine::CompletionRequest request_behind(const std::string& before, const std::string& behind) {
  engine::CompletionRequest request;
  request.document.path = "a.py";
  request.document.text = std::make_shared<const std::string>(before + behind);
  request.cursor = before.size();
  request.limits.max_bytes = 24;
  return request;
}

}  // namespace

TEST_CASE("who types a suggestion along has no other computed, and who leaves it has") {
  auto model = completer();
  const std::string before = "import os\nimport sys\n\nprint(s";
  benchmarks::SuggestingEditor editor(model, request_behind(before, "\n"));
  const std::string suggestion = editor.suggestion("");
  REQUIRE(suggestion.size() >= 3);
  CHECK(editor.suggestion(suggestion.substr(0, 1)) == suggestion.substr(1));
  CHECK(editor.suggestion(suggestion.substr(0, 2)) == suggestion.substr(2));
  CHECK(editor.n_computed() == 1);
  CHECK(editor.n_from_memory() == 2);

  const std::string other = suggestion[0] == 'z' ? "q" : "z";
  const std::string anew = editor.suggestion(other);
  CHECK(editor.n_computed() == 2);
  CHECK(editor.n_from_memory() == 2);
  auto fresh = completer();
  CHECK(anew == fresh.complete(request_behind(before + other, "\n"), {}, {}).text);
}

TEST_CASE("nothing is suggested in front of text that would have to move") {
  auto model = completer();
  benchmarks::SuggestingEditor editor(model, request_behind("print(", "value)\n"));
  CHECK(editor.suggestion("").empty());
  CHECK(editor.n_computed() == 0);
}

}  // namespace octet::tests

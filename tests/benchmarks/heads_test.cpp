// Which proposals are counted for which head, and that watching changes nothing.
#include <memory>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "benchmarks/quality/heads.h"
#include "engine/completer.h"
#include "engine/model/f32_runner.h"
#include "kernels/cpu/kernel_table.h"
#include "tests/support/golden.h"

namespace octet::tests {

using benchmarks::HeadTally;
using benchmarks::WatchedDrafter;

TEST_CASE("proposals are judged up to the first wrong one, heads and guesses apart") {
  const engine::Draft draft{{'a', 'b', 'c', 'd'}, {1, 1, 1, 1}, {false, true, false, false}};
  HeadTally tally;
  tally.add(draft, 4);  // a step of five bytes
  tally.add(draft, 2);  // of three; the third proposal is wrong, the fourth not judged
  tally.add({}, 0);
  const auto json = tally.json();
  CHECK(json["steps"] == 3);
  CHECK(json["bytes_per_step"] == Approx(3));
  CHECK(json["bytes_of_step"] == nlohmann::json{1, 0, 1, 0, 1});
  CHECK(json["heads"] ==
        nlohmann::json::parse(R"([{"head":2,"judged":2,"right":2},{"head":4,"judged":2,"right":1},{"head":5,"judged":1,"right":1}])"));
  CHECK(json["guesses"] == nlohmann::json::parse(R"([{"head":3,"judged":2,"right":2}])"));
  HeadTally twice = tally;
  twice += tally;
  CHECK(twice.json()["heads"][1] == nlohmann::json::parse(R"({"head":4,"judged":4,"right":2})"));
  CHECK(twice.bytes_per_step() == Approx(3));
}

TEST_CASE("a watched drafter counts all steps of a completion, whose text is the same") {
  auto runner = std::make_unique<engine::F32Runner>(load_model("seed"), *kernels::select_kernels(""));
  auto watched = std::make_unique<WatchedDrafter>(*runner, engine::StepCosts({1, 2, 4}, 0.1));
  WatchedDrafter& drafter = *watched;
  engine::Completer completer(std::move(runner), {}, std::move(watched));
  engine::CompletionRequest request;
  request.document.text = std::make_shared<const std::string>("import os\nimport sys\n\nprint(s");
  request.cursor = request.document.text->size();
  request.raw = true;
  request.limits.max_bytes = 60;
  request.use_draft = false;
  const std::string plain = completer.complete(request, {}, {}).text;
  request.use_draft = true;
  for (const auto length : {WatchedDrafter::Length::kPaying, WatchedDrafter::Length::kLongest}) {
    HeadTally tally;
    drafter.watch(length, tally);
    const auto result = completer.complete(request, {}, {});
    CHECK(result.text == plain);
    CHECK(tally.n_steps() == result.counts.steps);
    CHECK(tally.bytes_per_step() * static_cast<double>(tally.n_steps()) ==
          Approx(static_cast<double>(result.counts.steps + result.counts.accepted)));
  }
}

}  // namespace octet::tests

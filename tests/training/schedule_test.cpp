#include "tests/training/support/catch.h"

#include <numeric>

#include "bytemodel/training/schedule.h"

namespace octet::tests {

using namespace bytemodel::training;

TEST_CASE("the learning rate warms up, stays and cools down to nothing") {
  const ScheduleOptions options;
  CHECK(learning_rate_factor(options, 0) == 0);
  CHECK(learning_rate_factor(options, 0.01) == Approx(0.5));
  CHECK(learning_rate_factor(options, 0.3) == 1);
  CHECK(learning_rate_factor(options, 0.8) == Approx(0.5));
  CHECK(learning_rate_factor(options, 1) == Approx(0).margin(1e-12));
}

TEST_CASE("under every schedule the first head counts fully and the trunk hears no head that does not learn") {
  const HeadSchedule heads =
      GENERATE(HeadSchedule::kCurriculum, HeadSchedule::kConstant, HeadSchedule::kReverse, HeadSchedule::kNextByteOnly);
  ScheduleOptions options;
  options.heads = heads;
  for (int percent = 0; percent <= 100; ++percent) {
    CAPTURE(name(heads), percent);
    const HeadWeights weights = head_weights(options, percent / 100.0);
    REQUIRE(weights.own.size() == 8);
    REQUIRE(weights.trunk.size() == 8);
    CHECK(weights.own[0] == 1);
    CHECK(weights.trunk[0] == 1);
    double extra = 0;
    for (std::size_t i = 1; i < 8; ++i) {
      if (weights.own[i] == 0) CHECK(weights.trunk[i] == 0);
      CHECK(weights.own[i] <= weights.own[i - 1]);  // the loss relies on it: heads that are left out stand last
      extra += weights.trunk[i];
    }
    CHECK(extra <= options.extra_weight + 1e-12);
    if (heads == HeadSchedule::kConstant) CHECK(extra == Approx(options.extra_weight));
    if (heads == HeadSchedule::kNextByteOnly) CHECK(std::accumulate(weights.own.begin(), weights.own.end(), 0.0) == 1);
  }
}

TEST_CASE("the curriculum begins with the next byte, has all heads in the middle and ends with the trunk on the first") {
  const ScheduleOptions options;
  CHECK(head_weights(options, 0.05).own[1] == 0);
  CHECK(head_weights(options, 0.2).own[1] == 1);
  CHECK(head_weights(options, 0.2).own[7] == 0);
  CHECK(head_weights(options, 0.5).trunk[7] == Approx(0.5 / 7));
  CHECK(head_weights(options, 1).own[7] == 1);
  CHECK(head_weights(options, 1).trunk[7] == Approx(0).margin(1e-12));
}

TEST_CASE("names of schedules round-trip, and others are refused") {
  for (const char* text : {"curriculum", "constant", "reverse", "next-byte", "frozen-trunk"})
    CHECK(name(head_schedule_from_name(text).value()) == text);
  CHECK(head_schedule_from_name("linear").error().message.find("found 'linear'") != std::string::npos);
}

}  // namespace octet::tests

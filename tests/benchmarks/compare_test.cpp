#include "benchmarks/compare.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "benchmarks/figures.h"

namespace octet::tests {
namespace {

using namespace octet::benchmarks;
using Json = nlohmann::json;

/// A run of a build that takes `factor` times as long, on a machine that is `pace` times as slow and as restless as `noise` says.
Json run(std::mt19937& random, double factor, double pace = 1, double noise = 0.1, const std::string& name = "one") {
  std::lognormal_distribution<double> jitter(0, noise);
  std::vector<double> keys;
  std::vector<double> cpu;
  for (int i = 0; i < 80; ++i) keys.push_back((1 + i % 7) * factor * pace * jitter(random));
  for (int i = 0; i < 5; ++i) cpu.push_back(2 * factor * pace * jitter(random));
  const std::vector<Figure> figures{{"key_ms", "ms", "less", "ratio", /*is_judged=*/true, keys},
                                    {"cpu_ms", "ms", "less", "time", /*is_judged=*/true, cpu},
                                    {"for_the_reader", "ms", "less", "time", /*is_judged=*/false, {1000 * factor * jitter(random)}},
                                    {"positions", "", "less", "count", /*is_judged=*/true, {2, 2, 2, 2, 2}}};
  return {{"verb", "latency"}, {"run", name},      {"trace", {{"hash", "t"}, {"speed", 1.0}}},
          {"text_hash", "x"},  {"texts_wrong", 0}, {"figures", to_json(figures)}};
}

Verdict worst(const Json& a, const Json& b) {
  const auto comparisons = compare_results(a, b, 0.05);
  REQUIRE(comparisons);
  Verdict worst = Verdict::kSame;
  for (const Comparison& comparison : *comparisons) {
    if (comparison.verdict == Verdict::kWorse) return Verdict::kWorse;
    if (comparison.verdict == Verdict::kBetter) worst = Verdict::kBetter;
  }
  return worst;
}

Verdict verdict_of(const Json& a, const Json& b, const std::string& name) {
  const auto comparisons = compare_results(a, b, 0.05);
  REQUIRE(comparisons);
  for (const Comparison& comparison : *comparisons) {
    if (comparison.name == name) return comparison.verdict;
  }
  FAIL("no " << name);
  return Verdict::kNotJudged;
}

}  // namespace

TEST_CASE("two runs of one build are the same in nine of ten pairs, and one that is 15 % slower is caught") {
  std::mt19937 random(5);
  int n_same = 0;
  int n_caught = 0;
  int n_praised = 0;
  for (int i = 0; i < 200; ++i) {
    const Json a = run(random, 1);
    n_same += worst(a, run(random, 1)) == Verdict::kSame ? 1 : 0;
    n_caught += worst(a, run(random, 1.15)) == Verdict::kWorse ? 1 : 0;
    n_praised += worst(a, run(random, 0.85)) == Verdict::kBetter ? 1 : 0;
  }
  CHECK(n_same >= 190);
  CHECK(n_caught >= 198);
  CHECK(n_praised >= 198);
}

TEST_CASE("a small change is none, however sure") {
  std::mt19937 random(6);
  CHECK(worst(run(random, 1, 1, 0.001), run(random, 1.03, 1, 0.001)) == Verdict::kSame);
  CHECK(worst(run(random, 1, 1, 0.001), run(random, 1.07, 1, 0.001)) == Verdict::kWorse);
}

TEST_CASE("what nobody judges by decides nothing") {
  std::mt19937 random(7);
  Json a = run(random, 1);
  Json b = a;
  b["figures"]["for_the_reader"]["values"] = {1e6};
  CHECK(verdict_of(a, b, "for_the_reader") == Verdict::kNotJudged);
  CHECK(worst(a, b) == Verdict::kSame);
}

TEST_CASE("a count that differs is a change, in the direction that it names") {
  std::mt19937 random(8);
  Json a = run(random, 1);
  Json b = a;
  b["figures"]["positions"]["values"] = {3, 3, 3, 3, 3};
  CHECK(verdict_of(a, b, "positions") == Verdict::kWorse);
  CHECK(verdict_of(b, a, "positions") == Verdict::kBetter);
  for (Json* result : {&a, &b}) (*result)["figures"]["positions"]["better"] = "more";
  CHECK(verdict_of(a, b, "positions") == Verdict::kBetter);
}

TEST_CASE("where servers took turns the machine's moods fall on both") {
  std::mt19937 random(9);
  std::lognormal_distribution<double> mood(0, 0.5);
  Json a = run(random, 1);
  Json b = a;
  Json& before = a["figures"]["cpu_ms"]["values"];
  Json& after = b["figures"]["cpu_ms"]["values"];
  for (int i = 0; i < 5; ++i) {
    const double now = mood(random);
    before[i] = now;
    after[i] = 1.15 * now * (1 + 0.01 * i);
  }
  CHECK(verdict_of(a, b, "cpu_ms") == Verdict::kWorse);
  b["run"] = "another";
  CHECK(verdict_of(a, b, "cpu_ms") == Verdict::kSame);
}

TEST_CASE("values that are all the same, zeros and single ones are judged without a crash") {
  std::mt19937 random(10);
  Json a = run(random, 1);
  for (const std::vector<double>& values : {std::vector<double>{0, 0, 0, 0, 0}, {4}, {1, 1, 1, 1, 1}, {-1, 0, 1, 2, 3}}) {
    a["figures"]["cpu_ms"]["values"] = values;
    CHECK(worst(a, a) == Verdict::kSame);
  }
  Json b = a;
  a["figures"]["cpu_ms"]["values"] = {1, 1, 1, 1, 1};
  b["figures"]["cpu_ms"]["values"] = {2, 2, 2, 2, 2};
  CHECK(verdict_of(a, b, "cpu_ms") == Verdict::kWorse);
}

TEST_CASE("what cannot be compared is refused with the reason") {
  std::mt19937 random(11);
  const Json a = run(random, 1);
  const auto refusal = [&](const char* field, const Json& value) {
    Json b = a;
    b[field] = value;
    const auto comparisons = compare_results(a, b, 0.05);
    REQUIRE_FALSE(comparisons);
    return comparisons.error().message;
  };
  CHECK_THAT(refusal("verb", "quality"), Catch::Contains("B of \"quality\""));
  CHECK_THAT(refusal("texts_wrong", 1), Catch::Contains("B is void"));
  CHECK_THAT(refusal("trace", {{"hash", "u"}, {"speed", 1.0}}), Catch::Contains("other work"));
  CHECK_THAT(refusal("figures", Json::object()), Catch::Contains("no figure in common"));
  CHECK_THAT(refusal("figures", 3), Catch::Contains("B has no figures"));
}

}  // namespace octet::tests

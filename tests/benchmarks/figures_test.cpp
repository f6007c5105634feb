#include "benchmarks/figures.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace octet::tests {
namespace {

using namespace octet::benchmarks;

}  // namespace

TEST_CASE("a percentile is the smallest value that the share does not exceed") {
  rc::check([](std::vector<double> values, unsigned percent) {
    RC_PRE(!values.empty());
    const double share = 0.01 * static_cast<double>(percent % 101);
    const double found = percentile(values, share);
    const auto at_most = [&](double limit) {
      return static_cast<double>(std::ranges::count_if(values, [&](double value) { return value <= limit; }));
    };
    const double due = share * static_cast<double>(values.size());
    RC_ASSERT(std::ranges::find(values, found) != values.end());
    RC_ASSERT(at_most(found) >= due - 1e-9);
    for (const double smaller : values) {
      if (smaller < found) RC_ASSERT(at_most(smaller) < due);
    }
  });
  CHECK(percentile({}, 0.5) == 0);
  CHECK(percentile({3, 1, 2}, 1) == 3);
  CHECK(percentile({3, 1, 2}, 0) == 1);
}

TEST_CASE("half of the values lie on each side of the median") {
  CHECK(median({}) == 0);
  CHECK(median({5}) == 5);
  CHECK(median({4, 1}) == 2.5);
  CHECK(median({9, 1, 4}) == 4);
}

TEST_CASE("what one value among many does moves neither median nor deviation, and it is named") {
  std::vector<double> values{10.0, 10.1, 9.9, 10.05, 9.95};
  CHECK(outliers(values).empty());
  const double before = deviation(values);
  values[3] = 90;
  CHECK(median(values) == Approx(10).margin(0.11));
  CHECK(deviation(values) <= 2 * before);
  CHECK(outliers(values) == std::vector<std::size_t>{3});
  CHECK(outliers({7, 7, 7}).empty());
}

TEST_CASE("figures keep their order and say what they are") {
  const auto json =
      to_json({{"b", "ms", "less", "time", /*is_judged=*/true, {2, 1, 3}}, {"a", "", "more", "count", /*is_judged=*/false, {4}}});
  REQUIRE(json.size() == 2);
  CHECK(json.begin().key() == "b");
  CHECK(json["b"]["median"] == 2);
  CHECK(json["b"]["values"] == std::vector<double>{2, 1, 3});
  CHECK(json["b"]["judged"] == true);
  CHECK(json["a"]["better"] == "more");
}

}  // namespace octet::tests

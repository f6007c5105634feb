#include "lsp/statistics.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/bytemodel/scratch.h"

namespace octet::lsp {

TEST_CASE("latencies are told as what a share of the answers does not exceed") {
  Statistics statistics;
  CHECK(statistics.to_json().at("latency_ms").at("p50").is_null());
  for (int ms = 100; ms >= 1; --ms) statistics.answered(ms, 1, false);
  const Json latency = statistics.to_json().at("latency_ms");
  CHECK(latency.at("n") == 100);
  CHECK(latency.at("last") == 1.0);
  CHECK(latency.at("p50") == 50.0);
  CHECK(latency.at("p90") == 90.0);
  CHECK(latency.at("p95") == 95.0);
  CHECK(latency.at("p99") == 99.0);
}

TEST_CASE("of a session that never ends, the newest latencies count") {
  Statistics statistics;
  for (int i = 0; i < 10'000; ++i) statistics.answered(1, 1, false);
  for (int i = 0; i < 2048; ++i) statistics.answered(2, 1, false);
  CHECK(statistics.to_json().at("latency_ms").at("n") == 2048);
  CHECK(statistics.to_json().at("latency_ms").at("p50") == 2.0);
  CHECK(statistics.to_json().at("answered") == 12'048);
}

TEST_CASE("what is taken over in parts counts once, without what was typed") {
  Statistics statistics;
  statistics.offered("a", 10, 3);  // the item is "xyz" + 10 bytes
  statistics.shown("a");
  statistics.accepted_part("a", 5);
  CHECK(statistics.to_json().at("bytes_accepted") == 2);
  statistics.accepted_part("a", 5);
  statistics.accepted_part("a", 4);
  CHECK(statistics.to_json().at("bytes_accepted") == 2);
  statistics.accepted_part("a", 1000);
  CHECK(statistics.to_json().at("bytes_accepted") == 10);
  CHECK(statistics.to_json().at("accepted_partly") == 1);
  statistics.accepted("a");
  CHECK(statistics.to_json().at("bytes_accepted") == 10);
  SECTION("and what was taken over was not dismissed") {
    statistics.offered("b", 1, 0);
    statistics.shown("b");
    CHECK(statistics.to_json().at("dismissed") == 0);
    statistics.offered("c", 1, 0);
    statistics.shown("c");
    CHECK(statistics.to_json().at("dismissed") == 1);
  }
}

TEST_CASE("the file has the sums of all servers, also of those that end at the same time") {
  const tests::ScratchFolder folder;
  const auto file = folder / "state/octet/statistics.json";
  constexpr int kTimes = 25;
  const auto add = [&] {
    for (int i = 0; i < kTimes; ++i) {
      Statistics statistics;
      statistics.answered(3, 7, true);
      statistics.silent(Silence::kNoRoom);
      if (!add_to_statistics_file(file, statistics.to_json())) return;
    }
  };
  std::thread other(add);
  add();
  other.join();
  const Json sums = read_statistics_file(file);
  CHECK(sums.at("answered") == 2 * kTimes);
  CHECK(sums.at("requests") == 4 * kTimes);
  CHECK(sums.at("bytes_offered") == 14 * kTimes);
  CHECK(sums.at("silent").at("no_room") == 2 * kTimes);
  CHECK_FALSE(sums.contains("latency_ms"));
  struct stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a file that holds something else is begun anew, and one that cannot be made is an error") {
  const tests::ScratchFolder folder;
  const auto file = folder / "statistics.json";
  for (const std::string& text :
       {std::string("{"), std::string("[1]"), std::string(R"({"answered": "many"})"), std::string(100'000, '[')}) {
    std::ofstream(file, std::ios::binary) << text;
    Statistics statistics;
    statistics.answered(1, 1, false);
    REQUIRE(add_to_statistics_file(file, statistics.to_json()));
    CHECK(read_statistics_file(file).at("answered") == 1);
  }
  const auto refused = add_to_statistics_file(file / "below a file" / "statistics.json", Statistics().to_json());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::kUnreadable);
  CHECK(read_statistics_file(folder / "missing").empty());
}

}  // namespace octet::lsp

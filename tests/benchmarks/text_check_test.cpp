#include "benchmarks/latency/text_check.h"

#include <catch2/catch.hpp>

#include <memory>
#include <string>

namespace octet::tests {
namespace {

using namespace octet::benchmarks;

/// A server that always offers the same.
class FixedServer final : public ServerUnderTest {
 public:
  explicit FixedServer(std::string text) : text_(std::move(text)) {}
  Result<void> start() override { return {}; }
  void open(std::size_t, const TraceFile&, const std::string&) override {}
  void edit(std::size_t, std::size_t, std::size_t, const std::string&) override {}
  void ask(std::size_t, std::size_t, OnAnswer on_answer) override {
    Answer answer;
    answer.outcome = Outcome::kText;
    answer.text = text_;
    on_answer(answer);
  }
  void cancel() override {}
  Result<void> run_until(TimePoint, const std::function<bool()>&) override { return {}; }
  void stop() override {}
  nlohmann::json info() override { return {{"name", "fixed"}}; }

 private:
  std::string text_;
};

/// "abc" typed into an empty file, then a jump back to its start.
const Trace kTrace{{{"a.c", "c", ""}},
                   {{0, 0, 0, 0, "a", 1, true}, {1, 0, 1, 1, "b", 2, true}, {2, 0, 2, 2, "c", 3, true}, {3, 0, 0, 0, "d", 1, true}}};

KeyRecord record(std::size_t event_idx, const std::string& text) {
  KeyRecord record;
  record.event_idx = event_idx;
  record.outcome = text.empty() ? Outcome::kNothing : Outcome::kText;
  record.text = text;
  return record;
}

TextCheck check(std::vector<Repetition> repetitions, const std::string& alone = "alone") {
  auto checked = check_texts(repetitions, kTrace, [&] { return std::make_unique<FixedServer>(alone); });
  REQUIRE(checked);
  return std::move(*checked);
}

Repetition repetition(const std::vector<KeyRecord>& unhurried, const std::vector<KeyRecord>& typing) {
  Repetition repetition;
  repetition.unhurried = unhurried;
  repetition.typing = typing;
  return repetition;
}

}  // namespace

TEST_CASE("what comes while typing is what came unhurried") {
  const std::vector<KeyRecord> right{record(0, "bcX"), record(1, ""), record(2, "X"), record(3, "e")};
  const auto checked = check({repetition(right, right), repetition(right, right)});
  CHECK(checked.wrong.empty());
  CHECK(checked.n_asked_again == 0);
  CHECK(checked.n_texts == 16);
  CHECK(checked.hash.size() == 64);
}

TEST_CASE("unhurried texts that differ between repetitions make a run void") {
  const auto checked = check({repetition({record(0, "b")}, {}), repetition({record(0, "c")}, {})});
  REQUIRE(checked.wrong.size() == 1);
  CHECK_THAT(checked.wrong[0], Catch::Contains("repetition 2"));
}

TEST_CASE("the rest of what was offered before is right, while it is typed on") {
  const std::vector<KeyRecord> unhurried{record(0, ""), record(1, ""), record(2, ""), record(3, "")};
  CHECK(check({repetition(unhurried, {record(0, "bcX"), record(1, "cX"), record(2, "X")})}).wrong.size() == 1);  // "bcX" itself
  const std::vector<KeyRecord> known{record(0, "bcX"), record(1, ""), record(2, ""), record(3, "")};
  CHECK(check({repetition(known, {record(0, "bcX"), record(1, "cX"), record(2, "X")})}).wrong.empty());
  // The cursor went elsewhere: nothing goes on.
  CHECK(check({repetition(known, {record(0, "bcX"), record(3, "X")})}).wrong.size() == 1);
  // Not what was typed.
  CHECK(check({repetition(known, {record(0, "bcX"), record(1, "bX")})}).wrong.size() == 1);
}

TEST_CASE("what is new while typing is asked of a server that does nothing else") {
  const std::vector<KeyRecord> unhurried{record(0, "b"), record(1, "")};
  const auto right = check({repetition(unhurried, {record(1, "alone")}), repetition(unhurried, {record(1, "alone")})});
  CHECK(right.wrong.empty());
  CHECK(right.n_asked_again == 1);
  const auto wrong = check({repetition(unhurried, {record(1, "alone")})}, "other");
  CHECK(wrong.wrong.size() == 1);
}

}  // namespace octet::tests

// The guard in front of every JSON parser: 64 levels pass, 65 do not, and what stands in strings does not count.
#include "bytemodel/json_depth.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace octet::tests {
namespace {

std::string nested(std::size_t depth, char open = '[', char close = ']') { return std::string(depth, open) + std::string(depth, close); }

/// How deep a parsed value nests, by walking it.
std::size_t depth_of(const nlohmann::json& value) {
  if (!value.is_structured()) return 0;
  std::size_t deepest = 0;
  for (const auto& child : value) deepest = std::max(deepest, depth_of(child));
  return deepest + 1;
}

nlohmann::json random_value(int budget) {
  const int kind = budget > 0 ? *rc::gen::inRange(0, 5) : *rc::gen::inRange(2, 5);
  const auto text = [] { return *rc::gen::container<std::string>(rc::gen::elementOf(std::string("[]{}\"\\,:x"))); };
  if (kind == 2) return text();
  if (kind > 2) return kind;
  auto value = kind == 0 ? nlohmann::json::array() : nlohmann::json::object();
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i) {
    if (kind == 0) {
      value.push_back(random_value(budget - 1));
    } else {
      value[text()] = random_value(budget - 1);
    }
  }
  return value;
}

}  // namespace

static_assert(!json_depth_exceeds("[[]]", 2) && json_depth_exceeds("[[]]", 1), "usable at compile time");

TEST_CASE("64 levels are accepted and 65 are not") {
  REQUIRE(kMaxJsonDepth == 64);
  CHECK_FALSE(json_depth_exceeds(""));
  CHECK_FALSE(json_depth_exceeds("1"));
  CHECK_FALSE(json_depth_exceeds("{}"));
  CHECK_FALSE(json_depth_exceeds(nested(64)));
  CHECK_FALSE(json_depth_exceeds(nested(64, '{', '}')));
  CHECK_FALSE(json_depth_exceeds(std::string(64, '[')));
  for (const std::size_t depth : {65UL, 66UL, 100000UL, 1000000UL}) {
    CAPTURE(depth);
    CHECK(json_depth_exceeds(nested(depth)));
    CHECK(json_depth_exceeds(nested(depth, '{', '}')));
    CHECK(json_depth_exceeds(std::string(depth, '[')));
  }
}

TEST_CASE("levels count only while they are open") {
  std::string wide = "[";
  for (int i = 0; i < 1000; ++i) {
    if (i > 0) wide += ',';
    wide += nested(63);
  }
  CHECK_FALSE(json_depth_exceeds(wide + "]"));
  CHECK(json_depth_exceeds(wide + "," + nested(64) + "]"));
  CHECK(json_depth_exceeds(nested(60) + nested(65)));
}

TEST_CASE("arrays and objects count together") {
  std::string mixed;
  for (int i = 0; i < 32; ++i) mixed += "[{\"a\":";
  CHECK_FALSE(json_depth_exceeds(mixed));
  CHECK(json_depth_exceeds(mixed + "["));
  CHECK(json_depth_exceeds(mixed + "{"));
}

TEST_CASE("brackets in strings do not count, however the string ends") {
  const std::string many(100, '[');
  CHECK_FALSE(json_depth_exceeds("\"" + many + "\""));
  CHECK_FALSE(json_depth_exceeds("{\"" + many + "\":\"" + many + "\"}"));
  CHECK_FALSE(json_depth_exceeds(R"("\")" + many + "\""));
  CHECK_FALSE(json_depth_exceeds(R"("\\\")" + many + "\""));
  CHECK_FALSE(json_depth_exceeds(R"("\\\\\")" + many));
  CHECK_FALSE(json_depth_exceeds("\"never closed " + many));
  CHECK(json_depth_exceeds(R"("\\")" + many));  // the quote behind an escaped backslash closes the string
  CHECK(json_depth_exceeds(R"("")" + many));
  CHECK(json_depth_exceeds(R"("\"")" + many));
  CHECK(json_depth_exceeds(R"({"a":")" + many + "\",\"b\":" + many));
  // Closing brackets in strings do not count either.
  CHECK(json_depth_exceeds(std::string(40, '[') + "\"" + std::string(40, ']') + "\"," + std::string(25, '[')));
}

TEST_CASE("text that is no JSON is measured all the same") {
  CHECK_FALSE(json_depth_exceeds("]]]]}}}}"));
  CHECK_FALSE(json_depth_exceeds("]]]]" + nested(64)));
  CHECK(json_depth_exceeds(std::string(1000, ']') + nested(65)));
  CHECK_FALSE(json_depth_exceeds("\"\\"));
  CHECK_FALSE(json_depth_exceeds("\\"));
  CHECK(json_depth_exceeds("\\\\" + nested(65)));
  CHECK_FALSE(json_depth_exceeds("[}[}[}", 1));
}

TEST_CASE("the depth of any valid text is that of the value it stands for") {
  CHECK(rc::check("guard == walk over the parsed value", [] {
    const auto value = random_value(8);
    const std::size_t depth = depth_of(value);
    const std::string text = value.dump(*rc::gen::inRange(-1, 3));
    RC_ASSERT(!json_depth_exceeds(text, depth));
    if (depth > 0) RC_ASSERT(json_depth_exceeds(text, depth - 1));
  }));
}

}  // namespace octet::tests

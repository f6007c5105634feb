// The page: its data come through whole, and can end no script.
#include <string>

#include <rapidcheck.h>
#include <catch2/catch.hpp>

#include "benchmarks/page/page.h"

namespace octet::tests {
namespace {

constexpr const char* kDataBegin = "<script type=\"application/json\" id=\"result\">";

std::string data_of(const std::string& page) {
  const std::size_t begin = page.find(kDataBegin) + std::string(kDataBegin).size();
  return page.substr(begin, page.find("</script>", begin) - begin);
}

}  // namespace

TEST_CASE("a result comes back from its page as it was, whatever its texts") {
  REQUIRE(rc::check([](std::string text) {
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    for (const char* end : {"", "</script>", "<!--<script>", "{{script}}"}) {
      const nlohmann::json result{{"verb", "quality"}, {"texts", {text + end, end + text}}};
      const auto found = nlohmann::json::parse(data_of(benchmarks::make_page(result, "quality")), nullptr, /*allow_exceptions=*/false);
      RC_ASSERT(found == result);
    }
  }));
}

TEST_CASE("text that is no UTF-8 makes a page all the same") {
  const auto page = benchmarks::make_page({{"text", "\xFF"}}, "latency");
  const auto found = nlohmann::json::parse(data_of(page), nullptr, /*allow_exceptions=*/false);
  CHECK(found["text"] == "\xEF\xBF\xBD");
  CHECK(found["verb"] == "latency");
}

TEST_CASE("completions one by one stay out of the page") {
  const auto page = benchmarks::make_page({{"confidence", {{"completions", {1, 2}}, {"lengths", {3}}}}}, "quality");
  const auto found = nlohmann::json::parse(data_of(page), nullptr, /*allow_exceptions=*/false);
  CHECK(found["confidence"] == nlohmann::json{{"lengths", {3}}});
}

TEST_CASE("without a path there is no page, and a path that cannot be written is an error") {
  CHECK(benchmarks::write_page("", {}, "quality"));
  CHECK_FALSE(benchmarks::write_page("/missing/folder/page.html", {}, "quality"));
}

}  // namespace octet::tests

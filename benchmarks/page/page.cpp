#include "benchmarks/page/page.h"

#include <fstream>
#include <string_view>
#include <utility>

#include "benchmarks/report.h"

extern "C" {
// assets.S
extern const char octet_page_html_begin[], octet_page_html_end[];
extern const char octet_page_style_begin[], octet_page_style_end[];
extern const char octet_page_script_begin[], octet_page_script_end[];
extern const char octet_page_charts_begin[], octet_page_charts_end[];
extern const char octet_page_licence_begin[], octet_page_licence_end[];
}

namespace octet::benchmarks {
namespace {

std::string_view asset(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

/// JSON that may stand inside a script element: `<` is in strings alone, where it may be written so.
std::string embeddable(const nlohmann::json& result) {
  std::string text;
  for (const char c : result.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string make_page(const nlohmann::json& result, const char* verb) {
  nlohmann::json drawn = result;
  drawn["verb"] = verb;
  // The page draws their bins; thousands of texts would only make it large.
  if (drawn.contains("confidence")) drawn["confidence"].erase("completions");
  const std::string data = embeddable(drawn);
  const std::pair<std::string_view, std::string_view> parts[] = {
      {"{{verb}}", verb},
      {"{{style}}", asset(octet_page_style_begin, octet_page_style_end)},
      {"{{licence}}", asset(octet_page_licence_begin, octet_page_licence_end)},
      {"{{data}}", data},
      {"{{charts}}", asset(octet_page_charts_begin, octet_page_charts_end)},
      {"{{script}}", asset(octet_page_script_begin, octet_page_script_end)},
  };
  std::string_view left = asset(octet_page_html_begin, octet_page_html_end);
  std::string page;
  while (!left.empty()) {
    const std::size_t mark = left.find("{{");
    page += left.substr(0, mark);
    if (mark == std::string_view::npos) break;
    left.remove_prefix(mark);
    const std::size_t end = left.find("}}") + 2;
    for (const auto& [name, content] : parts) {
      if (left.substr(0, end) == name) page += content;
    }
    left.remove_prefix(end);
  }
  return page;
}

bool write_page(const std::filesystem::path& path, const nlohmann::json& result, const char* verb) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::binary);
  file << make_page(result, verb);
  if (file.flush()) return true;
  print(stderr, "octet-bench {}: cannot write {}\n", verb, path.string());
  return false;
}

}  // namespace octet::benchmarks

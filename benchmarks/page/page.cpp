#include "benchmarks/page/page.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "benchmarks/report.h"
#include "bytemodel/json_depth.h"

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

/// The library without the name of its source map, which a browser's tools would look for.
std::string_view charts() {
  const std::string_view text = asset(octet_page_charts_begin, octet_page_charts_end);
  return text.substr(0, text.rfind("//# sourceMappingURL="));
}

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
      {"{{charts}}", charts()},
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

int run_page(const PageOptions& options) {
  std::ifstream file(options.result, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  nlohmann::json result;
  if (!json_depth_exceeds(text) && !has_nul(text)) result = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  // The name goes into the page as it is.
  const std::string verb = result.is_object() ? result.value("verb", nlohmann::json()).dump() : "";
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  if (!file || verb.size() < 3 || !std::all_of(verb.begin() + 1, verb.end() - 1, is_letter)) {
    print(stderr, "octet-bench page: {}: expected the JSON of a verb, an object with \"verb\"\n", options.result.string());
    return 1;
  }
  return write_page(options.html, result, verb.substr(1, verb.size() - 2).c_str()) ? 0 : 1;
}

}  // namespace octet::benchmarks

#include "bytemodel/training/corpus/licence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <sstream>

#include <fnmatch.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/json_depth.h"

namespace octet::bytemodel::training {
namespace {

/// Beginnings of the short names of permissive licences, in lower case.
constexpr std::array<std::string_view, 24> kPermissive{
    "mit", "expat",     "x11",  "bsd",  "apache", "isc", "zlib",    "psf",     "python", "bsl",    "boost", "public-domain",
    "cc0", "unlicense", "curl", "0bsd", "hpnd",   "ntp", "openssl", "unicode", "icu",    "libpng", "wtfpl", "blueoak"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

using Fields = std::map<std::string, std::string>;  // names in lower case

/// Paragraphs of "Name: value" with continuation lines, as in all of Debian's control files.
std::vector<Fields> parse_paragraphs(const std::string& text) {
  std::vector<Fields> paragraphs(1);
  std::string last;
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    if (line.empty()) {
      if (!paragraphs.back().empty()) paragraphs.emplace_back();
      last.clear();
    } else if (line.front() == ' ' || line.front() == '\t') {
      if (!last.empty()) paragraphs.back()[last] += '\n' + line;
    } else if (const std::size_t colon = line.find(':'); colon != std::string::npos && line.front() != '#') {
      last = lower(std::string_view(line).substr(0, colon));
      const std::size_t value = line.find_first_not_of(" \t", colon + 1);
      paragraphs.back()[last] = value == std::string::npos ? "" : line.substr(value);
    }
  }
  if (paragraphs.back().empty()) paragraphs.pop_back();
  return paragraphs;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

bool is_permissive(std::string_view expression) {
  std::string text = lower(expression);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == ',' || c == '(' || c == ')' || c == '/'; }, ' ');
  bool all = true;       // of the words joined by "and" so far
  bool is_empty = true;  // no name since the last "or"
  bool skips = false;    // the words of an exception
  for (const std::string& word : split_words(text)) {
    if (word == "or" || word == "and/or") {
      if (all && !is_empty) return true;
      all = is_empty = true;
      skips = false;
    } else if (word == "and") {
      skips = false;
    } else if (word == "with") {
      skips = true;
    } else if (!skips) {
      is_empty = false;
      all = all && std::any_of(kPermissive.begin(), kPermissive.end(), [&word](std::string_view name) { return word.starts_with(name); });
    }
  }
  return all && !is_empty;
}

Result<LicenceMap> LicenceMap::parse_debian(const std::string& text) {
  const std::vector<Fields> paragraphs = parse_paragraphs(text);
  const auto format = paragraphs.empty() ? Fields::const_iterator() : paragraphs.front().find("format");
  if (paragraphs.empty() || format == paragraphs.front().end() || format->second.find("copyright-format") == std::string::npos) {
    return fail(ErrorCode::kUnsupported, "copyright file: expected the machine-readable format, found another");
  }
  LicenceMap map;
  for (const Fields& paragraph : paragraphs) {
    const auto files = paragraph.find("files");
    const auto licence = paragraph.find("license");
    if (files == paragraph.end() || licence == paragraph.end()) continue;
    map.stanzas_.push_back({split_words(files->second), first_line(licence->second)});
  }
  return map;
}

Result<LicenceMap> LicenceMap::parse_npm(const std::string& json) {
  if (json_depth_exceeds(json) || has_nul(json)) return fail(ErrorCode::kMalformed, "package.json: nested too deeply, or with a NUL");
  const nlohmann::json object = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return fail(ErrorCode::kMalformed, "package.json: expected a JSON object");
  const auto licence = object.find("license");
  if (licence == object.end() || !licence->is_string()) {
    return fail(ErrorCode::kUnsupported, "package.json: license: expected a string, found none");
  }
  LicenceMap map;
  map.stanzas_.push_back({{"*"}, licence->get<std::string>()});
  return map;
}

std::string LicenceMap::licence_of(const std::string& path) const {
  for (auto stanza = stanzas_.rbegin(); stanza != stanzas_.rend(); ++stanza) {
    for (const std::string& pattern : stanza->patterns) {
      if (::fnmatch(pattern.c_str(), path.c_str(), 0) == 0) return stanza->licence;
    }
  }
  return "";
}

}  // namespace octet::bytemodel::training

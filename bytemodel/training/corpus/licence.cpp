#include "bytemodel/training/corpus/licence.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <map>
#include <sstream>

#include <nlohmann/json.hpp>

#include "bytemodel/json_depth.h"

namespace octet::bytemodel::training {
namespace {

/// Short names of permissive licences in lower case. Versions and whose it is may follow: BSD-3-clause, Expat~Name, MIT-0.
constexpr std::array<std::string_view, 27> kPermissive{"mit",    "expat",  "x11",     "bsd",        "apache",        "isc",     "zlib",
                                                       "psf",    "python", "bsl-1",   "boost",      "public-domain", "cc0",     "unlicense",
                                                       "curl",   "0bsd",   "hpnd",    "ntp",        "openssl",       "unicode", "icu",
                                                       "libpng", "wtfpl",  "blueoak", "postgresql", "ncsa",          "upl"};

/// What makes such a name another licence's: the Business Source License, terms that are added to the permissive ones, and texts of
/// which only the likeness is known.
constexpr std::array<std::string_view, 9> kRefused{"bsl-1.1",  "gpl",        "commons", "commercial", "nuclear",
                                                   "military", "protection", "like",    "style"};

constexpr int kMaxDepth = 16;  // of parentheses

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::vector<std::string> split_words(std::string_view text) {
  std::istringstream in{std::string(text)};
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

bool is_permissive_name(const std::string& name) {
  const auto stands_in_front = [&name](std::string_view known) {
    return name.starts_with(known) && (name.size() == known.size() || std::isalpha(static_cast<unsigned char>(name[known.size()])) == 0);
  };
  const auto stands_inside = [&name](std::string_view part) { return name.find(part) != std::string::npos; };
  return std::any_of(kPermissive.begin(), kPermissive.end(), stands_in_front) &&
         std::none_of(kRefused.begin(), kRefused.end(), stands_inside);
}

/// Words, commas and parentheses of an expression, in lower case. "A/B" is two names side by side, "and/or" is "or".
std::vector<std::string> split_expression(std::string_view expression) {
  std::string text;
  for (const char c : lower(expression)) {
    if (c == ',' || c == '(' || c == ')') {
      text += std::string{' ', c, ' '};
    } else {
      text += c;
    }
  }
  std::vector<std::string> tokens;
  for (std::string& word : split_words(text)) {
    if (word == "and/or") word = "or";
    std::replace(word.begin(), word.end(), '/', ' ');
    for (std::string& part : split_words(word)) tokens.push_back(std::move(part));
  }
  return tokens;
}

/// Whether an expression holds, by descent:
///   list: any, then as often as wanted a comma, "and" or "or" (or none: then it means "and"), any
///   any:  all, joined by "or"
///   all:  one, joined by "and"
///   one:  "(" list ")", or names side by side, perhaps "with" the words of an exception
/// What does not read so is not permissive.
class ExpressionReader {
 public:
  explicit ExpressionReader(std::string_view expression) : tokens_(split_expression(expression)) {}

  bool holds() {
    const bool value = list(0);
    return value && !is_broken_ && at_ == tokens_.size();
  }

 private:
  bool take(std::string_view token) {
    if (at_ == tokens_.size() || tokens_[at_] != token) return false;
    ++at_;
    return true;
  }

  bool is_at_word() const {
    static constexpr std::array<std::string_view, 6> kMarks{"and", "or", "with", ",", "(", ")"};
    return at_ < tokens_.size() && std::find(kMarks.begin(), kMarks.end(), tokens_[at_]) == kMarks.end();
  }

  bool list(int depth) {
    bool value = any(depth);
    while (take(",")) {
      const bool is_or = take("or");
      if (!is_or) take("and");
      const bool next = any(depth);
      value = is_or ? value || next : value && next;
    }
    return value;
  }

  bool any(int depth) {
    bool value = all(depth);
    while (take("or")) value = all(depth) || value;
    return value;
  }

  bool all(int depth) {
    bool value = one(depth);
    while (take("and")) value = one(depth) && value;
    return value;
  }

  bool one(int depth) {
    if (take("(")) {
      const bool value = depth < kMaxDepth && list(depth + 1);
      is_broken_ = is_broken_ || !take(")");
      return value;
    }
    is_broken_ = is_broken_ || !is_at_word();
    bool value = true;
    for (; is_at_word(); ++at_) value = is_permissive_name(tokens_[at_]) && value;
    if (!take("with")) return value;
    bool is_exception = false;  // "with" also stands before terms that take away
    for (; is_at_word(); ++at_) is_exception = is_exception || tokens_[at_].ends_with("exception");
    return value && is_exception;
  }

  std::vector<std::string> tokens_;
  std::size_t at_ = 0;
  bool is_broken_ = false;
};

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

/// The specification's patterns: '*' is any number of characters and '?' one, '/' among them; '\' makes the next one plain.
bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // behind the last '*', and what it has swallowed
  std::size_t swallowed = 0;
  while (t < text.size()) {
    const bool is_escape = p + 1 < pattern.size() && pattern[p] == '\\';
    const std::size_t plain = p + (is_escape ? 1 : 0);
    if (!is_escape && p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      swallowed = t;
    } else if (plain < pattern.size() && (pattern[plain] == text[t] || (!is_escape && pattern[p] == '?'))) {
      p = plain + 1;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++swallowed;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Folders of a binary package's own layout, and those that a build strips: their names in a path say nothing of the source's.
constexpr std::array<std::string_view, 6> kLayoutFolders{"usr", "lib", "share", "include", "src", "bin"};
/// Folders of the source that no binary package has in another place.
constexpr std::array<std::string_view, 6> kStayingFolders{"debian", "doc", "docs", "man", "examples", "benchmarks"};

enum class Match { kNo, kPerhaps, kYes };

/// Whether `pattern`, made for the source's paths, means a file that a binary package has at `path`.
Match match_moved(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with('*') && matches(pattern, path)) return Match::kYes;
  const std::size_t slash = pattern.find('/');
  const std::string_view folder = pattern.substr(0, slash == std::string_view::npos ? 0 : slash);
  const bool is_layout = std::find(kLayoutFolders.begin(), kLayoutFolders.end(), folder) != kLayoutFolders.end();
  if (!folder.empty() && !is_layout && folder.find_first_of("*?\\") == std::string_view::npos) {
    bool has_folder = false;  // the same tree below, so that the pattern means what it says
    for (std::size_t begin = 0; begin < path.size(); begin = std::min(path.find('/', begin), path.size() - 1) + 1) {
      const std::string_view tail = path.substr(begin);
      if (!tail.starts_with(folder) || tail.substr(folder.size(), 1) != "/") continue;
      has_folder = true;
      if (matches(pattern, tail)) return Match::kYes;
    }
    if (has_folder || std::find(kStayingFolders.begin(), kStayingFolders.end(), folder) != kStayingFolders.end()) return Match::kNo;
  }
  // Its folders may be gone; and what stands before a '*' may have been in one of them.
  const std::string_view end = file_name(pattern);
  const std::size_t star = end.find('*');
  return matches(star == std::string_view::npos ? end : end.substr(star), file_name(path)) ? Match::kPerhaps : Match::kNo;
}

}  // namespace

bool is_permissive(std::string_view expression) { return ExpressionReader(expression).holds(); }

Result<LicenceMap> LicenceMap::parse_debian(const std::string& text) {
  const std::vector<Fields> paragraphs = parse_paragraphs(text);
  const auto format = paragraphs.empty() ? Fields::const_iterator() : paragraphs.front().find("format");
  if (paragraphs.empty() || format == paragraphs.front().end() || format->second.find("copyright-format") == std::string::npos) {
    return fail(ErrorCode::kUnsupported, "copyright file: expected the machine-readable format, found another");
  }
  LicenceMap map;
  for (const Fields& paragraph : paragraphs) {
    const auto files = paragraph.find("files");
    if (files == paragraph.end()) continue;
    Stanza stanza;
    for (std::string& pattern : split_words(files->second))
      stanza.patterns.push_back(pattern.starts_with("./") ? pattern.substr(2) : pattern);
    // Without a licence the files are nobody's to take, whatever an earlier paragraph says of them.
    if (const auto licence = paragraph.find("license"); licence != paragraph.end()) stanza.licence = first_line(licence->second);
    map.stanzas_.push_back(std::move(stanza));
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

std::string LicenceMap::licence_of(std::string_view path) const {
  for (auto stanza = stanzas_.rbegin(); stanza != stanzas_.rend(); ++stanza) {
    const auto matches_path = [path](const std::string& pattern) { return matches(pattern, path); };
    if (std::any_of(stanza->patterns.begin(), stanza->patterns.end(), matches_path)) return stanza->licence;
  }
  return "";
}

std::string LicenceMap::licence_of_moved(std::string_view path) const {
  std::string licence;
  std::string doubt;
  for (const Stanza& stanza : stanzas_) {
    Match match = Match::kNo;
    for (const std::string& pattern : stanza.patterns) match = std::max(match, match_moved(pattern, path));
    if (match == Match::kYes) licence = stanza.licence;
    if (match == Match::kPerhaps && !is_permissive(stanza.licence)) doubt = stanza.licence;
  }
  return doubt.empty() ? licence : doubt;
}

}  // namespace octet::bytemodel::training

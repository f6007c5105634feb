#include "lsp/glob.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

tl::unexpected<Error> invalid(std::string_view pattern, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("'{}': {}", pattern, what));
}

/// The patterns without braces that a pattern stands for.
Result<std::vector<std::string>> expand_braces(std::string_view pattern) {
  std::vector<std::string> texts{""};
  const auto append = [&](std::string_view more) {
    for (std::string& text : texts) text += more;
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      append(pattern.substr(i, 1));
      continue;
    }
    const std::size_t end = pattern.find('}', i);
    if (end == std::string_view::npos) return invalid(pattern, "a '{' without '}'");
    const std::string_view inside = pattern.substr(i + 1, end - i - 1);
    if (inside.find('{') != std::string_view::npos) return invalid(pattern, "braces within braces");
    std::vector<std::string> longer;
    for (std::size_t begin = 0; begin <= inside.size();) {
      const std::size_t comma = std::min(inside.find(',', begin), inside.size());
      for (const std::string& text : texts) longer.push_back(text + std::string(inside.substr(begin, comma - begin)));
      begin = comma + 1;
    }
    if (longer.size() > Glob::kMaxChoices) return invalid(pattern, fmt::format("stands for more than {} patterns", Glob::kMaxChoices));
    texts = std::move(longer);
    i = end;
  }
  return texts;
}

}  // namespace

Result<Glob> Glob::parse(std::string_view pattern) {
  if (pattern.empty() || pattern.size() > kMaxBytes) return invalid(pattern, fmt::format("expected 1 to {} bytes", kMaxBytes));
  const auto texts = expand_braces(pattern);
  if (!texts) return tl::unexpected(texts.error());
  Glob glob;
  glob.is_for_names_ = pattern.find('/') == std::string_view::npos;
  for (const std::string& text : *texts) {
    auto tokens = tokens_of(text);
    if (!tokens) return tl::unexpected(tokens.error());
    glob.choices_.push_back(std::move(*tokens));
  }
  return glob;
}

Result<Glob::Choice> Glob::tokens_of(std::string_view pattern) {
  Choice tokens;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*') {
      if (pattern.substr(i, 3) == "**/" && (i == 0 || pattern[i - 1] == '/')) {
        tokens.push_back({Token::Kind::kFolders});
        i += 2;
      } else if (pattern.substr(i, 2) == "**") {
        tokens.push_back({Token::Kind::kAnything});
        ++i;
      } else {
        tokens.push_back({Token::Kind::kRun});
      }
      continue;
    }
    Token token{Token::Kind::kSet};
    if (c == '?') {
      token.set.fill(true);
      token.set['/'] = false;
    } else if (c == '[') {
      const bool is_negated = pattern.substr(i + 1, 1) == "!" || pattern.substr(i + 1, 1) == "^";
      const std::size_t begin = i + 1 + (is_negated ? 1 : 0);
      const std::size_t end = pattern.find(']', begin + 1);
      if (end == std::string_view::npos) return invalid(pattern, "a '[' without ']'");
      for (std::size_t k = begin; k < end; ++k) {
        const bool is_range = k + 2 < end && pattern[k + 1] == '-';
        const auto low = static_cast<unsigned char>(pattern[k]);
        const auto high = static_cast<unsigned char>(pattern[is_range ? k + 2 : k]);
        for (unsigned byte = low; byte <= high; ++byte) token.set[byte] = true;
        if (is_range) k += 2;
      }
      if (is_negated) std::ranges::transform(token.set, token.set.begin(), [](bool is_in) { return !is_in; });
      token.set['/'] = false;
      i = end;
    } else {
      token.set[static_cast<unsigned char>(c)] = true;
    }
    tokens.push_back(token);
  }
  return tokens;
}

/// Follows all ways through the tokens at once.
bool Glob::matches(const Choice& tokens, std::string_view path) {
  std::vector<bool> at(tokens.size() + 1);
  std::vector<bool> next(tokens.size() + 1);
  const auto enter = [&](std::vector<bool>& states, std::size_t i) {
    states[i] = true;
    while (i < tokens.size() && tokens[i].kind != Token::Kind::kSet) states[++i] = true;  // each of these may match nothing
  };
  enter(at, 0);
  for (const char c : path) {
    std::fill(next.begin(), next.end(), false);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (!at[i]) continue;
      switch (tokens[i].kind) {
        case Token::Kind::kSet:
          if (tokens[i].set[static_cast<unsigned char>(c)]) enter(next, i + 1);
          break;
        case Token::Kind::kRun:
          if (c != '/') enter(next, i);
          break;
        case Token::Kind::kAnything: enter(next, i); break;
        case Token::Kind::kFolders:
          next[i] = true;
          if (c == '/') enter(next, i + 1);
          break;
      }
    }
    std::swap(at, next);
  }
  return at[tokens.size()];
}

bool Glob::matches(std::string_view path) const {
  if (is_for_names_) path = path.substr(path.rfind('/') + 1);
  return std::ranges::any_of(choices_, [&](const Choice& choice) { return matches(choice, path); });
}

}  // namespace octet::lsp
